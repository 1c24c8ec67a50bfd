"""Certificates good and bad, made by openssl below a folder, once per bench."""

import pathlib
import shutil
import subprocess
import tempfile
import threading


def openssl(*arguments, folder):
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


class Certificates:
    """An authority that the controller trusts (ca.pem), one that it does not, and what they signed."""

    config = """[ca]
default_ca=own
[own]
database=index.txt
new_certs_dir=.
rand_serial=yes
policy=any
default_md=sha256
copy_extensions=none
unique_subject=no
[any]
commonName=supplied
"""

    # For a server that still shows what OpenSSL refuses by default: SHA-1 and TLS 1.1.
    lax = """openssl_conf=all
[all]
ssl_conf=tls
[tls]
system_default=any
[any]
CipherString=ALL:@SECLEVEL=0
MinProtocol=TLSv1
"""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="faults-keys-"))
        (self.folder / "ca.conf").write_text(self.config)
        (self.folder / "index.txt").touch()
        (self.folder / "lax.conf").write_text(self.lax)
        for authority in ("ca", "stranger"):
            self._key(authority)
            openssl("req", "-x509", "-new", "-key", f"{authority}.key", "-subj", f"/CN=Faults {authority}", "-days",
                    "3650", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
                    "-out", f"{authority}.pem", folder=self.folder)
        self.lock = threading.Lock()

    def _key(self, name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key", folder=self.folder)

    @property
    def authority(self):
        return self.folder / "ca.pem"

    def issue(self, name, names="IP:127.0.0.1,DNS:localhost", *, by="ca", begin="20240101000000Z", end="20991231235959Z",
              digest="sha256"):
        """The options that make iompeer show this certificate."""
        with self.lock:
            self._key(name)
            openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr",
                    folder=self.folder)
            (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
            openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-cert", f"{by}.pem", "-keyfile", f"{by}.key",
                    "-md", digest, "-startdate", begin, "-enddate", end, "-extfile", f"{name}.ext", "-in", f"{name}.csr",
                    "-out", f"{name}.pem", folder=self.folder)
        return self.options(name)

    def self_signed(self, name):
        with self.lock:
            self._key(name)
            openssl("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "30", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-out", f"{name}.pem", folder=self.folder)
        return self.options(name)

    def options(self, name):
        return ["--tls-cert", str(self.folder / f"{name}.pem"), "--tls-key", str(self.folder / f"{name}.key")]

    def pin(self, name):
        """SHA-256 of the public key, hex."""
        openssl("pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER", "-out", f"{name}.spki", folder=self.folder)
        return openssl("dgst", "-sha256", "-r", f"{name}.spki", folder=self.folder).split()[0]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


_lock = threading.Lock()


def certificates(bench):
    """Those of this bench; they go when it ends."""
    with _lock:
        if not hasattr(bench, "certificates"):
            bench.certificates = Certificates()
            bench.at_end.append(bench.certificates.close)
            bench.certificates.good = bench.certificates.issue("good")
        return bench.certificates
