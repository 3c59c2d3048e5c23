"""QR codes of addresses, as SVG."""

import base64
import io

import segno


def qr_code(address: str) -> str:
    """Return the QR code of an address as an SVG document, with the quiet zone that scanners need."""
    out = io.BytesIO()
    segno.make_qr(address, error="m").save(
        out, kind="svg", border=4, light="white", xmldecl=False, svgclass=None, lineclass=None
    )
    return out.getvalue().decode()


def qr_data_url(address: str) -> str:
    """Return the QR code as a data URL, for an image of a page."""
    return f"data:image/svg+xml;base64,{base64.b64encode(qr_code(address).encode()).decode()}"
