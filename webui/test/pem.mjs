// A certificate and its key, as somebody would bring them.
import { spawnSync } from 'node:child_process';

/** Both as PEM, for that name; openssl makes them. */
export function pair(name) {
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', `/CN=${name}`, '-keyout', '-', '-out', '-'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const of = (kind) => {
        const found = new RegExp(`-----BEGIN ${kind}-----[^]*?-----END ${kind}-----\\n`).exec(made.stdout ?? '');
        if (!found) throw new Error(`openssl gave no ${kind}: ${made.error?.message ?? made.stderr}`);
        return found[0];
    };
    return { certificate: of('CERTIFICATE'), key: of('PRIVATE KEY') };
}
