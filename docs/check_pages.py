"""Look at all pages of the built site with axe: faults of accessibility, and pages wider than a phone.

Run by hand after a build: ``pip install playwright axe-playwright-python``, then
``python docs/check_pages.py [path of chromium]``.
"""

import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parent / "_build" / "html"
WIDTHS, SCHEMES = (400, 1600), ("light", "dark")


def main(chromium="/usr/bin/chromium"):
    """Print what axe finds, page by page; exit code 1 if there is anything."""
    pages = sorted(page for page in SITE.rglob("*.html") if "_static" not in page.parts)
    axe, found = Axe(), set()
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in SCHEMES:
            for width in WIDTHS:
                page = browser.new_page(viewport=dict(width=width, height=1000), color_scheme=scheme)
                for path in pages:
                    name = path.relative_to(SITE)
                    page.goto(path.resolve().as_uri())
                    root = "document.documentElement"
                    if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth + 1"):
                        found.add(f"{name}: wider than {width} px")
                    for fault in axe.run(page).response["violations"]:
                        if fault["impact"] in ("serious", "critical"):
                            where = fault["nodes"][0]["target"]
                            found.add(f"{name}, {scheme}, {width} px: {fault['id']} at {where}")
                page.close()
    print(f"{len(pages)} pages in {len(SCHEMES)} schemes and {len(WIDTHS)} widths: {len(found)} faults")
    print(*sorted(found), sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
