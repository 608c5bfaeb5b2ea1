"""``python -m gateway.cli``"""

from gateway.cli.main import run

run()
