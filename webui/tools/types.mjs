// Writes src/contract.ts from the schemas of openapi.json, so that page and host cannot drift apart.
//   node tools/types.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';

const contract = new URL('../../src/web/openapi.json', import.meta.url);
const target = new URL('../src/contract.ts', import.meta.url);
const { schemas } = JSON.parse(readFileSync(contract, 'utf8')).components;

const key = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`);
const comment = (text, indent) => (text ? `${indent}/** ${text.replaceAll('*/', '* /')} */\n` : '');

function single(type, schema, indent) {
    switch (type) {
        case 'string':
            return 'string';
        case 'integer':
        case 'number':
            return 'number';
        case 'boolean':
            return 'boolean';
        case 'null':
            return 'null';
        case 'array': {
            const item = written(schema.items, indent);
            return /[ |]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
        }
        case 'object': {
            if (!schema.properties) {
                const value = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
                return `Record<string, ${value ? written(value, indent) : 'unknown'}>`;
            }
            const required = new Set(schema.required ?? []);
            const inner = `${indent}    `;
            const members = Object.entries(schema.properties).map(
                ([name, one]) =>
                    `${comment(one.description, inner)}${inner}${key(name)}${required.has(name) ? '' : '?'}: ${written(one, inner)};\n`,
            );
            return `{\n${members.join('')}${indent}}`;
        }
        default:
            throw new Error(`types: no idea what ${type} is`);
    }
}

function written(schema, indent) {
    if (schema.$ref) return schema.$ref.split('/').at(-1);
    if ('const' in schema) return JSON.stringify(schema.const).replaceAll('"', "'");
    if (schema.enum) return schema.enum.map((one) => `'${one}'`).join(' | ');
    if (schema.oneOf) return schema.oneOf.map((one) => written(one, indent)).join(' | ');
    return [schema.type].flat().map((type) => single(type, schema, indent)).join(' | ');
}

const made = `// Made from src/web/openapi.json by tools/types.mjs. Do not edit: change the contract, then \`npm run types\`.

${Object.entries(schemas)
    .map(([name, schema]) => `${comment(schema.description, '')}export type ${name} = ${written(schema, '')};\n`)
    .join('\n')}`;

if (process.argv.includes('--check')) {
    if (readFileSync(target, 'utf8') !== made) {
        console.error('types: src/contract.ts is not what openapi.json says. Run `npm run types`.');
        process.exit(1);
    }
} else {
    writeFileSync(target, made);
}
