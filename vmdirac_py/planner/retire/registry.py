"""All policies, in the order in which they are asked: the first that names a VM gives the reason."""

from __future__ import annotations

from .campaign import CampaignOver
from .cheaper import Cheaper
from .drift import Drift
from .end_of_life import EndOfLife
from .idle import Idle
from .image_orders import ImageOrders
from .no_cpu import NoCpu
from .no_match import NoMatch
from .outgrown import Outgrown
from .over_limit import OverLimit
from .policy import Policy
from .purse import OverBudget
from .reserve import OverReserve

POLICIES: tuple[Policy, ...] = (
    OverLimit(),
    OverReserve(),
    OverBudget(),
    CampaignOver(),
    ImageOrders(),
    EndOfLife(),
    Idle(),
    NoCpu(),
    NoMatch(),
    Drift(),
    Cheaper(),
    Outgrown(),
)
