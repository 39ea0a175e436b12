"""The states of the example book: towns, area codes, license numbers, limits, and compensation funds."""

from __future__ import annotations

from dataclasses import dataclass

Limits = tuple[tuple[int, int], ...]
ONE_THREE = (1_000_000, 3_000_000)
TWO_FOUR = (2_000_000, 4_000_000)
ONE_SIX = (1_000_000, 6_000_000)
# Outside the states' funds, nurses and therapists have a limit for each claim and a high aggregate.
ALLIED_LIMITS: Limits = (ONE_SIX, ONE_THREE)
DENTAL_LIMITS: Limits = (ONE_THREE, TWO_FOUR)
# Credential → the board that licenses it.
BOARDS = {
    "MD": "MD",
    "DO": "DO",
    "DDS": "dentist",
    "DMD": "dentist",
    "APRN": "nurse",
    "CRNA": "nurse",
    "CNM": "nurse",
    "PA-C": "assistant",
    "DPT": "therapist",
}
BOARD_ORDER = ("MD", "DO", "nurse", "assistant", "therapist", "dentist")


@dataclass(frozen=True)
class Fund:
    """A state's compensation fund: its name, what it adds to the primary limit, and the specialties it enrolls.

    `enrolls`: specialty codes beside those of physicians; `ALL` for every health care provider. `form`: the fund's own,
    where it isn't that of the primary coverage.
    """

    name: str
    limits: str
    enrolls: str = ""
    form: str = ""


ALL = "all"


@dataclass(frozen=True)
class State:
    """A state of the book.

    `towns`: each with the first three digits of its ZIP codes. `numbers`: what license numbers look like, one for each
    board in `BOARD_ORDER`, with `#` for a digit. `rate`: premium level. `limits`: what physicians buy there.
    `occurrence`: physicians there buy occurrence coverage.
    """

    code: str
    area: str
    towns: tuple[tuple[str, str], ...]
    numbers: str
    rate: float
    limits: Limits = (ONE_THREE, ONE_THREE, TWO_FOUR)
    fund: Fund | None = None
    occurrence: bool = False

    def license_form(self, credential: str) -> str:
        """Return what a license number of this credential looks like; `#` is a digit."""
        return self.numbers.split()[BOARD_ORDER.index(BOARDS[credential])]


STATES = (
    State(
        "NY", "518", (("Albany", "122"), ("Saratoga Springs", "128")),
        "2##### 2##### F3##### 02#### 04#### 06####", 1.25, ((1_300_000, 3_900_000),),
    ),
    State(
        "CT", "860", (("Hartford", "061"), ("Middletown", "064")),
        "1.0##### 1.0##### 12.00#### 23.00#### 14.01#### 2.01####", 1.2,
    ),
    State(
        "MA", "617", (("Boston", "021"), ("Cambridge", "021")),
        "2##### 2##### RN2##### PA#### PT2#### DN18####", 1.1,
    ),
    State(
        "OH", "614", (("Columbus", "432"), ("Westerville", "430")),
        "35.1##### 34.01#### RN.4##### 50.00#### PT01#### 30.02####", 0.9,
    ),
    State(
        "FL", "813", (("Tampa", "336"), ("Plant City", "335")),
        "ME1##### OS1#### APRN11###### PA91##### PT3#### DN2####", 1.3,
        ((250_000, 750_000), (500_000, 1_500_000), ONE_THREE),
    ),
    State(
        "IL", "312", (("Chicago", "606"),),
        "036-1##### 036-1##### 209-0##### 085-00#### 070-02#### 019-03####", 1.4,
    ),
    State(
        "TX", "512", (("Austin", "787"), ("Round Rock", "786")),
        "R#### T#### AP1##### PA1#### 1###### 3####", 0.7,
        ((200_000, 600_000), (500_000, 1_000_000), ONE_THREE),
    ),
    State(
        "IN", "317", (("Indianapolis", "462"), ("Carmel", "460")),
        "010#####A 020#####A 7100####A 1000####A 0501####A 1201####A", 0.5, ((500_000, 1_500_000),),
        Fund("Indiana Patient’s Compensation Fund", "$1,300,000 per occurrence above the primary limit", ALL),
    ),
    State(
        "LA", "225", (("Baton Rouge", "708"), ("Prairieville", "707")),
        "MD.2##### DO.0##### AP0#### PA.2##### 0#### 6###", 0.5, ((100_000, 300_000),),
        Fund("Louisiana Patient’s Compensation Fund", "$400,000 per claim above the primary limit", ALL),
    ),
    State(
        "PA", "412", (("Pittsburgh", "152"), ("Coraopolis", "151")),
        "MD4##### OS0##### SP0##### MA0##### PT0##### DS0#####", 0.9, ((500_000, 1_500_000),),
        Fund("Pennsylvania Mcare Fund", "$500,000 / $1,500,000 above the primary limit", "NM1"),
    ),
    State(
        "WI", "414", (("Milwaukee", "532"), ("Wauwatosa", "532")),
        "#####-20 #####-21 ####-33 ####-23 #####-24 100####-15", 0.4, (ONE_THREE,),
        Fund(
            "Wisconsin Injured Patients and Families Compensation Fund", "Unlimited above the primary limit", "CR1",
            form="occurrence",
        ),
        occurrence=True,
    ),
    State(
        "KS", "316", (("Wichita", "672"), ("Derby", "670")),
        "04-4#### 05-4#### 53-7#### 15-0#### 11-0#### 6####", 0.5, ((500_000, 1_500_000),),
        Fund(
            "Kansas Health Care Stabilization Fund", "$500,000 / $1,500,000 above the primary limit", "CR1 PA1 NM1"
        ),
    ),
    State(
        "NM", "505", (("Albuquerque", "871"), ("Santa Fe", "875")),
        "MD201#-0### DO201#-0### CNP-5#### PA201#-0### PT4### DD3###", 0.9, ((250_000, 750_000),),
        Fund("New Mexico Patient’s Compensation Fund", "Up to the statutory cap above the primary limit", "CR1 PA1"),
    ),
    State(
        "NE", "402", (("Omaha", "681"), ("Lincoln", "685")),
        "3#### 1### 11#### 2### 3### 7###", 0.35, ((500_000, 1_000_000),),
        Fund("Nebraska Excess Liability Fund", "$1,750,000 per occurrence above the primary limit", "CR1"),
    ),
    State(
        "CO", "303", (("Denver", "802"), ("Boulder", "803")),
        "DR.00##### DR.00##### APN.099####-NP PA.000#### PTL.001#### DEN.0020####", 0.8,
    ),
    State("AZ", "602", (("Phoenix", "850"),), "5#### 00#### 2##### 6### LPT-0##### D01####", 0.9),
    State(
        "CA", "415", (("San Francisco", "941"), ("San Rafael", "949")),
        "A1##### 20A1#### 9500#### PA5#### PT4#### DDS10####", 0.6,
    ),
    State(
        "GA", "404", (("Atlanta", "303"), ("Decatur", "300")),
        "0##### 0##### RN2##### 00#### PT01#### DN01####", 0.9,
    ),
    State(
        "HI", "808", (("Honolulu", "968"), ("Hilo", "967")),
        "MD-1#### DOS-1### APRN-2### AMD-1### PT-4### DT-2###", 0.7,
    ),
)  # fmt: skip
BY_STATE = {state.code: state for state in STATES}
