"""The demonstrations that ship with FirstCite, written for it.

Everyday, how-to and scientific subjects. The less relevant passage shares the subject and words of
the query, but does not answer it.
"""

from rerankers.demonstrations import Demonstration

POOL = (
    Demonstration(
        "how long do you boil an egg for a hard yolk",
        "Lower the eggs into boiling water and cook them for ten to twelve minutes. After that the "
        "yolk is firm and pale all the way through.",
        "Egg yolks hold most of the fat and vitamins of an egg. The white is mainly water and "
        "protein, and cooks do use both in cakes.",
    ),
    Demonstration(
        "why do leaves turn yellow in autumn",
        "As days shorten, trees stop making chlorophyll. The green fades, and the yellow pigments "
        "that were in the leaf all summer can be seen.",
        "Fallen leaves make a good mulch. Rake them in autumn, shred them with a mower and spread "
        "them over the beds before the first frost.",
    ),
    Demonstration(
        "what temperature does lead melt at",
        "Lead is soft enough to scratch with a nail and becomes liquid at about 327 degrees "
        "Celsius, far below iron or copper.",
        "Lead was used for pipes and paint for centuries. Today most of it goes into batteries, "
        "and old paint is removed with care.",
    ),
    Demonstration(
        "fix a bicycle tyre that loses air slowly",
        "Pump up the inner tube, hold it under water and look for bubbles. Roughen the spot, put "
        "on glue, wait until it is dull and press a patch on it.",
        "Bicycle tyres come in many widths. Wide ones roll comfortably over gravel, narrow ones "
        "are lighter and hold more pressure.",
    ),
    Demonstration(
        "does drinking coffee late affect sleep",
        "Half of the caffeine in a cup is still in the blood five hours later. In trials, people "
        "who had it six hours before bed slept about an hour less.",
        "Coffee plants grow best in the shade at high altitude. The cherries are picked by hand, "
        "dried in the sun and roasted close to where they are sold.",
    ),
    Demonstration(
        "who is responsible for repairs in a rented flat",
        "The owner keeps the building, the heating and the pipes in working order. The tenant "
        "pays for small damage caused by daily use.",
        "Before you rent a flat, visit it by day and by night. Ask the neighbours about noise and "
        "check how far it is to the next bus stop.",
    ),
    Demonstration(
        "how do vaccines protect the body",
        "A vaccine shows the immune system a harmless piece of a germ. Memory cells stay behind, "
        "and when the real germ comes they make antibodies within days.",
        "Vaccines must be kept cold on their way to the clinic. Boxes with sensors record the "
        "temperature, and a broken chain means that they are thrown away.",
    ),
    Demonstration(
        "remove red wine from a carpet",
        "Blot the stain at once with a dry cloth, without rubbing. Then dab it with cold water "
        "and a little dish soap, and blot again until no colour comes off.",
        "Red wine gets its colour from the skins of the grapes, which stay in the juice while it "
        "ferments. Carpets of wool were long a sign of wealth.",
    ),
    Demonstration(
        "what causes the tides",
        "The moon pulls more strongly on the near side of the Earth than on the far side. The "
        "oceans bulge towards and away from it, and the Earth turns beneath the bulges.",
        "Fishing boats leave the harbour with the tide. Tables printed each year tell the crews "
        "when the water will be high enough to pass the bar.",
    ),
    Demonstration(
        "can dogs eat grapes",
        "Even a few grapes or raisins can damage the kidneys of a dog. If yours has eaten some, "
        "call a vet right away, before there are any signs.",
        "Dogs need fresh water and two meals a day. A grown dog of medium size does well on dry "
        "food with some meat, and enjoys a carrot to chew.",
    ),
    Demonstration(
        "why is the sky dark at night if there are so many stars",
        "The universe has a finite age, so light from most of it has not reached us yet, and its "
        "expansion has stretched much of the rest beyond what we can see.",
        "On a clear night away from towns about three thousand stars can be seen with the naked "
        "eye. A red lamp helps to keep your eyes used to the dark sky.",
    ),
    Demonstration(
        "how to back up photos from a phone",
        "Connect the phone to a computer with a cable and copy the camera folder to two disks. Or "
        "switch on automatic upload and check once a month that it ran.",
        "Phone cameras take better photos in daylight. Wipe the lens, hold the phone with both "
        "hands and tap on the face that should be sharp.",
    ),
    Demonstration(
        "how much water does a tomato plant need",
        "Give a grown tomato plant one to two litres a day in hot weather, at the root and in the "
        "morning. Soil that is damp a finger deep needs no more.",
        "Tomato plants came to Europe from the Americas and were first grown for their looks. "
        "There are thousands of kinds, from yellow to nearly black.",
    ),
    Demonstration(
        "what does a central bank do when prices rise too fast",
        "It raises its interest rate. Loans become dearer, people and firms spend less, and the "
        "rise of prices slows, often only a year later.",
        "The central bank prints the notes of the country and replaces worn ones. Each note has "
        "a thread and a mark that show when it is held up to the light.",
    ),
    Demonstration(
        "how do bees find their way back to the hive",
        "Bees steer by the position of the sun, which they read from polarised light even under "
        "clouds, and by landmarks learnt on their first flights.",
        "A hive holds up to fifty thousand bees in summer. The queen lays the eggs, the workers "
        "feed the young and guard the way in.",
    ),
    Demonstration(
        "is it safe to charge a laptop overnight",
        "Yes: the charger stops when the battery is full. Over the years it ages the cells "
        "a little less to stop at eighty percent, which many laptops offer as a setting.",
        "A laptop battery is rated in watt hours. On a plane it must travel in the cabin, and "
        "spare ones overnight in a bag should have their contacts covered.",
    ),
)
