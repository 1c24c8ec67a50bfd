import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

function kept(): Theme {
    try {
        const found = localStorage.getItem('theme');
        return found === 'light' || found === 'dark' ? found : 'auto';
    } catch {
        return 'auto';
    }
}

export const theme = signal<Theme>(kept());

effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    try {
        localStorage.setItem('theme', theme.value);
    } catch {
        // A browser that keeps nothing: then it holds until the page is closed.
    }
});
