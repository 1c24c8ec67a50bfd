"""Certificates and TLS versions that must not do, and the good one that follows."""

from certificates import certificates
from rowbook import check_lane, row, until_back


def pinned(keys, index):
    """The pin of the certificate that the server shows in the end, and not at first."""
    return {"tls_pins": [keys.pin(f"right-{index}")]}


def refuse(run, faults, lane):
    place = run.here()
    keys = certificates(run.bench)
    cases = []
    for index, (name, options, code, settings) in enumerate(faults):
        right = keys.issue(f"right-{index}") if settings is pinned else keys.good
        case = run.case(name)
        peer = run.peer(place, *options(keys), tls=True, environment={"OPENSSL_CONF": str(keys.folder / "lax.conf")})
        press = run.instance(f"i{index}", peer, protocol="wss", tls_ca=run.folder / "ca.pem",
                             **(settings(keys, index) if settings else {}))
        cases.append((case, peer, press, code, right))
    (run.folder / "ca.pem").write_bytes(keys.authority.read_bytes())
    run.control(place, *(press for _, _, press, _, _ in cases))
    for case, peer, press, code, right in cases:
        error = case.said(press.lost())
        case.detect(error.at - press.story.wait("connected").at, 0)
        case.check(error["layer"] == "tls", f"layer {error['layer']}: {error['sentence']}")
        case.check(error["code"] in code, f"code {error['code']}, not {'/'.join(code)}: {error['sentence']}")
        check_lane(case, press, error, lane)
        seen = peer.get("/sessions")
        case.check(seen["upgrades"] == 0, f"{seen['upgrades']} requests were sent before the certificate was refused")

        def mend():
            peer.kill()
            peer.options = right
            peer.start()

        if lane == "slow" and not run.patient:
            continue
        error = press.lost(since=error.at + 0.001, within=15)
        until_back(case, press, mend, error)
        press.talks()
    for case, _, press, _, _ in cases:
        run.account(case, press)


@row("certificate: wrong name, unknown CA, self-signed, pin mismatch, revoked algorithm, TLS 1.1", seconds=8, labels=("threads",))
def refused(run):
    refuse(run, [
        ("wrong name", lambda keys: keys.issue("elsewhere", "DNS:elsewhere.example"), ("wrong-name",), None),
        ("unknown CA", lambda keys: keys.issue("foreign", by="stranger"), ("unknown-ca",), None),
        ("self-signed", lambda keys: keys.self_signed("lonely"), ("self-signed",), None),
        ("pin mismatch", lambda keys: keys.good, ("pin-mismatch",), pinned),
        ("revoked algorithm (SHA-1)", lambda keys: keys.issue("old-digest", digest="sha1"), ("weak-algorithm",), None),
        ("TLS 1.1", lambda keys: [*keys.good, "--tls-min", "1.1", "--tls-max", "1.1"], ("old-version",), None),
        ("TLS 1.2 where 1.3 is asked", lambda keys: [*keys.good, "--tls-max", "1.2"], ("old-version",),
         lambda keys, index: {"tls_min": "1.3"}),
    ], "fatal")


@row("certificate expired or not yet valid", seconds=14)
def out_of_date(run):
    refuse(run, [
        ("expired", lambda keys: keys.issue("expired", end="20250101000000Z"), ("expired",), None),
        ("not yet valid", lambda keys: keys.issue("early", begin="20980101000000Z"), ("not-yet-valid",), None),
    ], "slow")
