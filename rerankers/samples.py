"""Neutral texts to measure a model's own habits on: nobody's documents, always the same."""

QUERIES = (
    "How does this work?",
    "What should somebody know before they begin?",
)

PASSAGES = (
    "Bread dough rises because yeast turns sugar into gas. Warm dough doubles in about an hour.",
    "A bicycle chain lasts longer when it is wiped clean and oiled every few weeks.",
    "Tomatoes need six hours of sun a day. They are watered at the root, not on the leaves.",
    "Sound travels about four times as fast in water as in air, so whales hear from far away.",
    "The library lends books for three weeks. A loan can be extended twice.",
    "Wool is washed in cool water and dried lying flat. Hot water makes its fibres shrink.",
    "Chess is played on a board of sixty-four squares. Each player begins with sixteen pieces.",
    "Glaciers move slowly downhill under their own weight and carry stones along with them.",
    "A violin has four strings, tuned in fifths. The bow is rubbed with rosin to grip them.",
    "Night trains leave the main station shortly after ten. Beds are booked a few days ahead.",
    "Bees find their way by the sun. A returning bee dances to show where it has been.",
    "Fresh paint dries to the touch in two hours, but it should not be washed for a week.",
    "The heart of an adult beats about seventy times a minute at rest, faster during exercise.",
    "A budget lists what comes in and what goes out. Small sums that repeat every month add up.",
    "Oak wood is heavy and hard. It is used for floors, barrels and furniture.",
    "The tide rises and falls twice a day in most places, because of the pull of the moon.",
    "Shoes should be worn in before a long walk. Blisters come from new leather and wet socks.",
    "A telescope with a wider mirror gathers more light and shows fainter stars.",
    "Rice is rinsed until the water runs clear, then cooked in twice its volume of water.",
    "Street markets open early in the morning. Toward noon many sellers lower their prices.",
    "Honey keeps for years in a closed jar. Crystals melt again in a warm water bath.",
    "A ferry crosses the bay every half hour. In strong wind it stays in the harbour.",
    "Swifts sleep in flight and land only to breed. They spend the winter in the south.",
    "Paper is made from wood fibres that are soaked, pressed flat and dried.",
    "The choir meets on Thursdays at seven. New voices are welcome at any rehearsal.",
    "Copper carries electricity well and bends easily, so most household wires are made of it.",
)
