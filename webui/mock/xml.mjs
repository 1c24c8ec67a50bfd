// As much XML as manifests and project files need: elements, attributes, text, comments.

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const decoded = (text) =>
    text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (all, name) => {
        if (name.startsWith('#x')) return String.fromCodePoint(parseInt(name.slice(2), 16));
        if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
        return entities[name] ?? all;
    });

/** {name, attributes, children, text, line, column}; throws {sentence, line, column}. */
export function parse(source) {
    const top = { name: '', attributes: {}, children: [], text: '' };
    const stack = [top];
    const token =
        /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([\w:.-]+)\s*>|<([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)|(<)/g;
    const wrong = (sentence, at) => {
        const before = source.slice(0, at).split('\n');
        throw { sentence, line: before.length, column: before.at(-1).length + 1 };
    };
    for (const found of source.matchAll(token)) {
        const [, cdata, closes, opens, attributes, empty, text, stray] = found;
        const here = stack.at(-1);
        if (stray) wrong('here is a < that begins no element. Write &lt; for it.', found.index);
        if (cdata !== undefined) here.text += cdata;
        else if (text !== undefined) here.text += decoded(text);
        else if (closes) {
            if (here.name !== closes) wrong(`</${closes}> closes <${here.name}>. Close that one first.`, found.index);
            stack.pop();
        } else if (opens) {
            const made = { name: opens, attributes: {}, children: [], text: '', at: found.index };
            const before = source.slice(0, found.index).split('\n');
            made.line = before.length;
            made.column = before.at(-1).length + 1;
            for (const [, name, double, one] of attributes.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g))
                made.attributes[name] = decoded(double ?? one);
            here.children.push(made);
            if (!empty) stack.push(made);
        }
    }
    if (stack.length > 1) wrong(`<${stack.at(-1).name}> is never closed. Add </${stack.at(-1).name}>.`, source.length);
    if (top.children.length !== 1) wrong('there must be exactly one element at the top.', 0);
    return top.children[0];
}

export const escape = (text) =>
    String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const childrenOf = (at, name) => at.children.filter((one) => one.name === name);
