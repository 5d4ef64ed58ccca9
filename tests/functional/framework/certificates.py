"""Certificates for tests: made on the spot, signed by themselves."""

import pathlib
import ssl
import subprocess


def make_certificate(folder: pathlib.Path, name: str, addresses: list = ()) -> tuple:
    """(certificate, key): ECDSA P-256, in PEM. `addresses`: for which a client takes it as well."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    also = ["-addext", "subjectAltName=" + ",".join(f"IP:{address}" for address in addresses)] if addresses else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", *also, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    return certificate, key


def der(certificate: pathlib.Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())
