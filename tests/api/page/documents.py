"""Documents that a page may get wrong: wide characters, combining ones, and such that attack it."""

from rag.values import Document

FREEZER = Document(
    "freezer.md",
    "# Freezer\n\nThe sample freezer stays cold for two days without power. Keep its door shut.\n\n"
    "- Wear gloves.\n- Close the door.\n\nThe alarm rings at five degrees.",
    "Freezer",
    "https://handbook.example/freezer",
    {"kind": "manual", "year": 2020},
)
WIDE = Document(
    "wide/😀 ?#&.md",
    "😀😀 Emoji come first 👩‍👩‍👧. The penguin 🐧 eats four fish 🐟🐟🐟🐟 a day. "
    "ペンギンは一日に魚を四匹食べる。 Ö is o\u0308, and e\u0301 is not é. 𝒜 penguin 𝒷 sings.",
    "Wide 😀 שלום",
    "/wide/penguin.md",
    {"kind": "note", "year": 2024},
)
HOSTILE = Document(
    "<img src=x onerror=alert(1)>",
    "The lantern <img src=x onerror=alert(1)> is lit. </script><script>alert(2)</script> The "
    "lantern \u202egnp.exe\u202c burns oil. [Click](javascript:alert(3)) &lt;b&gt; ${alert(4)}",
    "</title><script>alert(5)</script>\u202e",
    "javascript:alert(6)",
    {"<b>kind</b>": "<svg onload=alert(7)>"},
)
DOCUMENTS = (FREEZER, WIDE, HOSTILE)
