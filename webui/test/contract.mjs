// Holds requests, answers and channel messages against src/web/openapi.json.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';

export const contract = JSON.parse(readFileSync(new URL('../../src/web/openapi.json', import.meta.url), 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: false });
ajv.addSchema(contract, 'openapi');

const compiled = new Map();
function judge(schema, value, what) {
    const key = JSON.stringify(schema);
    let test = compiled.get(key);
    if (!test) {
        test = ajv.compile(JSON.parse(key.replaceAll('"#/components', '"openapi#/components')));
        compiled.set(key, test);
    }
    if (!test(value)) throw new Error(`${what} breaks the contract: ${ajv.errorsText(test.errors)}\n${JSON.stringify(value).slice(0, 2000)}`);
}

/** A collector of breaches, to be looked at when a test ends. */
export class Inspector {
    breaches = [];
    answered = new Set();
    try(what) {
        try {
            what();
        } catch (breach) {
            this.breaches.push(breach.message);
        }
    }
    answer({ route, path, status, body, type }) {
        // What the page is made of, such as /assets/*, is described by no operation.
        if (!route && !path?.startsWith('/api/')) return;
        this.try(() => {
            let described = (route?.operation.responses ?? contract['x-elsewhere'])[status];
            if (described?.$ref) described = contract.components.responses[described.$ref.split('/').at(-1)];
            const what = route ? `${route.method} ${route.path} ${status}` : `${path}, which is no path of the contract, ${status}`;
            if (!described) throw new Error(`${what} is not in the contract`);
            if (route && status < 400) this.answered.add(route.operation.operationId);
            const content = described.content?.[type];
            if (body !== undefined && !content) throw new Error(`${what} has a body of type ${type} that is not in the contract`);
            if (body !== undefined && type === 'application/json') judge(content.schema, typeof body === 'string' ? JSON.parse(body) : body, what);
        });
    }
    ask({ route, body }) {
        const content = route.operation.requestBody?.content['application/json'];
        if (content) this.try(() => judge(content.schema, body, `request ${route.method} ${route.path}`));
    }
    heard(message) {
        this.try(() => judge({ $ref: '#/components/schemas/FromPage' }, message, `channel, from the page, ${message.topic ?? message.type}`));
    }
    said(message) {
        this.try(() => judge({ $ref: '#/components/schemas/ToPage' }, message, `channel, to the page, ${message.topic ?? message.type}`));
    }
}
