"""English words that tell something about a question, as regular expressions without groups.

Data only: rules and features both read it. The choice of words is ours; no list is complete, and a
question in another language has none of them.
"""

_STEMS = (
    "old|young|long|short|tall|high|low|deep|small|great|cheap|fast|slow|quick|strong|weak|near|"
    "new|rich|poor|hard|light|rare|close|wide|late|larg|few"
)
_CHANGED = (
    "bigger|biggest|hotter|hottest|earlier|earliest|heavier|heaviest|easier|easiest|busier|busiest|"
    "better|best|worse|worst|farther|farthest|further|furthest|more|most|less|least|fewer|fewest"
)
COMPARATIVE = rf"(?:(?:{_STEMS})(?:e?r|e?st)|{_CHANGED})"
"""A comparative or superlative; endings alone would take in "other", "number" and "forest"."""

ORDINAL = r"(?:first|last|second|third|next|previous)"

CONJUNCTION = r"(?:and|or|but|nor|both|either|neither|versus|vs|whereas|while|also)"

RELATIVE = r"(?:who|whom|whose|that|which|where)"

NEGATION = r"(?:not|no|never|none|neither|nor|nothing|nobody|without|except|cannot|\w+n['’]t)"

# "May" is left out: it is a verb more often than a month.
_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
TEMPORAL = (
    rf"(?:before|after|during|since|until|ago|year|years|month|months|week|weeks|day|days|date|"
    rf"century|decade|today|yesterday|tomorrow|now|current|currently|recent|recently|latest|"
    rf"{_MONTHS}|1[0-9]{{3}}|20[0-9]{{2}})"
)

YOU = r"(?:you|your|yours|yourself)"

WH: dict[str, str] = {
    "how_many": r"how (?:many|much)",
    "how": r"how",
    "what": r"what",
    "which": r"which",
    "who": r"(?:who|whom|whose)",
    "when": r"when",
    "where": r"where",
    "why": r"why",
}
"""The question words by name; of two that begin at the same place, the earlier row counts."""

SMALL_TALK: dict[str, str] = {
    "a greeting": (
        r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|"
        r"how are you(?: doing)?|hows it going|how is it going|whats up|nice to meet you|"
        r"pleased to meet you)"
    ),
    "thanks": (
        r"(?:(?:many )?thanks(?: (?:a lot|so much|very much|a million))?"
        r"(?: for (?:the|your|all your) help)?|thx|"
        r"thank you(?: (?:so much|very much|kindly))?"
        r"(?: for (?:(?:the|your|all your) help|helping))?|"
        r"much appreciated|i appreciate it|cheers)"
    ),
    "a goodbye": (
        r"(?:bye(?: bye)?|good ?bye|bye-bye|farewell|good night|take care|see (?:you|ya)(?: "
        r"(?:later|soon|tomorrow|around))?|talk to you (?:later|soon)|thats all(?: for now)?|"
        r"have a (?:nice|good|great) (?:day|evening|night|weekend|one))"
    ),
    "a question about the assistant": (
        r"(?:who are you|what are you|what(?:s| is) your name|do you have a name|"
        r"are you (?:an? )?(?:bot|robot|human|person|ai|machine|real|there)|"
        r"what can you do(?: for me)?|how can you help(?: me)?|can you help me|"
        r"who (?:made|built|created) you|tell me about yourself|introduce yourself)"
    ),
}
"""Whole turns of talk that ask for nothing a document could hold, lower case, no apostrophes."""

AROUND = (
    r"(?:there|again|all|everyone|everybody|team|folks|guys|assistant|bot|friend|my friend|so|well|"
    r"and|ok|okay|great|perfect|awesome|cool|nice|wonderful|excellent|please|today|too|then)"
)
"""What may stand around small talk and asks for nothing either."""
