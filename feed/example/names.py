"""First and last names of the example book's invented people.

A first name and a last name usually come from the same pool. A tenth of the last names or more aren't plain ASCII, so
that every page, file, and search shows how it handles them.
"""

from __future__ import annotations

from typing import NamedTuple


class Pool(NamedTuple):
    """Names that go together; `share` is the pool's share of all people."""

    share: float
    first: tuple[str, ...]
    last: tuple[str, ...]


def _pool(share: float, first: str, last: str) -> Pool:
    return Pool(share, tuple(first.split()), tuple(last.split()))


POOLS = (
    _pool(
        0.42,
        "Andrew Aoife Caleb Calvin Clara Daniel Denise Desmond Edwin Eleanor Esther Felix Grace Hannah Harriet Henry "
        "Iris Jasper Julian Karen Marcus Margaret Miriam Naomi Neil Nora Owen Rebecca Rosalind Ruth Samuel Siobhán "
        "Tamara Theodore Thomas Walter",
        "Abernathy Ashdown Birchall Blackwood Coleman Colquhoun Drummond Dunleavy Ellsworth Fairweather Fothergill "
        "Gascoigne Greenhalgh Haverstock Hollingsworth Jessop Kirkbride Langstaff MacAllister Mercer Merriweather "
        "Netherton Northcott O’Hara Osgood Pemberton Prendergast Ravenscroft Rutherford Thistlewood Underhill Whitaker "
        "Yarborough",
    ),
    _pool(
        0.14,
        "Ana Andrés Beatriz Carmen Elena Esteban Iñigo Javier José Lucía Marisol Mónica Paloma Rafael Teresa",
        "Barragán Castellanos Gutiérrez Ibáñez Muñoz Núñez Peña Quiroga Rosales Santibáñez Villaseñor Zamora",
    ),
    _pool(
        0.12,
        "Anjali Arjun Deepa Kavita Lakshmi Meera Nikhil Priya Rohan Sanjay Sunita Vikram",
        "Banerjee Bhattacharya Chaudhuri Deshpande Iyer Kapoor Krishnamurthy Menon Ramanathan Subramanian Vaidya",
    ),
    _pool(
        0.10,
        "Daniel Emily Grace Hana Jun Kenji Mei Min-jun Peter Wei Yuki",
        "Chen Fujimoto Kim Lin Matsuda Park Takahashi Watanabe Yamamoto Zhang Zhou",
    ),
    _pool(
        0.11,
        "Björn Dmitri Ingrid Jürgen Katarina Łukasz Magdalena Marta Nikolai Olena Søren Stefan Tobias",
        "Ångström Bjelland Ivanova Jankowski Kessler Lindqvist Müller Oppenheim Østergaard Šimek Vandermeer "
        "Zimmermann Żukowska",
    ),
    _pool(
        0.04,
        "André Chloë Émile Lorenzo Noël Paolo Renée Sabina Zoë",
        "Beaulieu Bellandi D’Amico Fontaine Lefèvre Marchetti Thibodeaux",
    ),
    _pool(0.03, "Hương Linh Minh Quang Thảo", "Đặng Nguyễn Phạm Trần"),
    _pool(0.02, "Adaeze Amara Chidi Kofi Kwame Ngozi", "Abara Adeyemi Mensah Okonkwo"),
    _pool(0.02, "Emre Fatima Leila Omar Yasmin Yusuf", "Aydın Çelik Demir Haddad Rahmani"),
)
LONG_LAST_NAMES = (
    "Papadimitriou-Konstantinopoulos",
    "von und zu Hohenfels-Wittgenau",
    "Venkatanarasimharajuvaripeta",
    "de la Vega y Fernández-Mondragón",
)
SUFFIXES = ("Jr.", "II", "III", "IV")
# Who may bear one.
SUFFIXED = frozenset("Andrew Caleb Calvin Daniel Edwin Henry Julian Marcus Owen Samuel Theodore Thomas Walter".split())
INITIALS = "ABCDEFGHJKLMNPRSTVW"
