import { to } from '../router';
import { moduleById, modules, summaries } from '../store';
import { Empty, Loading } from '../ui/basics';
import { Icon } from '../ui/icons';
import { InstancePage } from './instance';
import { InstanceList } from './list';
import { NewInstance } from './settings';

export function IoTab({ path }: { path: string[] }) {
    const [name, view = ''] = path;
    const fresh = name === '+' ? moduleById(view) : undefined;
    return (
        <div class={`two ${name ? 'inside' : ''}`}>
            <InstanceList chosen={name} />
            <div class="main">
                {name === '+' ? (
                    fresh ? (
                        <article class="detail">
                            <header class="title">
                                <a class="back button square bare" href={to('io')} aria-label="All instances">
                                    <Icon name="back" />
                                </a>
                                <div>
                                    <h1>New {fresh.label}</h1>
                                </div>
                            </header>
                            <NewInstance key={fresh.id} module={fresh} />
                        </article>
                    ) : modules.value.length ? (
                        <Empty>There is no module “{view}”.</Empty>
                    ) : (
                        <Loading />
                    )
                ) : name ? (
                    <InstancePage key={name} name={name} view={view} />
                ) : (
                    summaries.value.length > 0 && <Empty>Choose an instance to see how it is.</Empty>
                )}
            </div>
        </div>
    );
}
