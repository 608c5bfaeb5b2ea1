"""What is drawn on a terminal: plans as graphs, traces as bars."""

from gateway.cli.pictures.bars import draw_bars
from gateway.cli.pictures.plan import PlanPicture, draw_plan
from gateway.cli.pictures.states import state_of, symbols_of

__all__ = ["PlanPicture", "draw_bars", "draw_plan", "state_of", "symbols_of"]
