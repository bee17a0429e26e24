"""Certificates, made for each run with the openssl command, never kept."""
from support.tokens import openssl


class Pair:
    """A folder with NAME.crt, which is signed by its own key, and NAME.key."""

    def __init__(self, folder, name="server", days=1, kind="ec"):
        self.certificate, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        make = ["-newkey", "rsa:2048"] if kind == "rsa" else [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-x509", "-nodes", *make, "-days", days, "-subj", f"/CN={name}", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out",
                self.certificate)
        self.key.chmod(0o600)

    def options(self):
        return ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]

    def replace(self, other):
        """As tools that renew certificates do: new files under the same names."""
        for mine, its in ((self.certificate, other.certificate), (self.key, other.key)):
            new = mine.with_suffix(".new")
            new.write_bytes(its.read_bytes())
            new.chmod(0o600)
            new.replace(mine)
