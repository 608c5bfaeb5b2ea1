"""Following what other processes install: their skills are offered here as well."""

import asyncio

from gateway.duties import Noticing
from gateway.model.ports import Journal, Records
from gateway.skills.registry import SkillRegistry


def follow_skills(journal: Journal, skills: SkillRegistry) -> Noticing:
    """What keeps ``skills`` those of the record, once it is started.

    Start it before ``restore``, so that nothing is missed in between.
    """

    async def take_up() -> None:
        installed = await journal.read(lambda records: records.all_skills(manifests=True))
        skills.publish_all(installed)  # what was disabled goes, whatever archives are out of reach
        await asyncio.to_thread(skills.load, installed)
        installed = await journal.read(lambda records: records.all_skills(manifests=True))
        skills.publish_all(installed)

    return Noticing(journal, _standings, take_up)


def _standings(records: Records) -> object:
    return records.skill_standings()
