"""Makes the certificates of a test with the commands of docs/security.md (openssl)."""

import os
import subprocess


def run(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    """A certification authority in a folder of its own."""

    def __init__(self, folder):
        os.makedirs(folder)
        self.folder = folder
        self.certificate = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "30", "-subj", "/CN=test CA", "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, days=30, usage="clientAuth", start=None):
        """Returns the paths of a certificate and its key. A negative `days` is expired."""
        key = os.path.join(self.folder, name + ".key")
        request = os.path.join(self.folder, name + ".csr")
        out = os.path.join(self.folder, name + ".pem")
        extensions = os.path.join(self.folder, name + ".ext")
        with open(extensions, "w", encoding="utf-8") as file:
            address = ",IP:127.0.0.1" if usage == "serverAuth" else ""
            file.write(f"subjectAltName=DNS:{name}{address}\nextendedKeyUsage={usage}\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/CN={name}", "-keyout", key, "-out", request)
        if days >= 0:
            run("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", out)
            return out, key
        # `openssl x509` gives no dates in the past; `openssl ca` does.
        config = os.path.join(self.folder, "ca.cnf")
        open(os.path.join(self.folder, "index.txt"), "w", encoding="utf-8").close()
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index.txt\n"
                       f"new_certs_dir={self.folder}\nrand_serial=yes\ndefault_md=sha256\n"
                       "policy=p\n[p]\ncommonName=supplied\n")
        run("ca", "-batch", "-notext", "-config", config, "-cert", self.certificate, "-keyfile",
            self.key, "-in", request, "-out", out, "-extfile", extensions, "-startdate",
            start or "20200101000000Z", "-enddate", "20200201000000Z")
        return out, key
