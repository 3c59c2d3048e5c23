"""The JSON bodies of flows, projects and acts, from what the ledger returns."""

from webapp.api import party_schemas as schemas
from webapp.api.serializers import tonnes_number
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import EventType
from webapp.ledger.act_lines import ActLines
from webapp.ledger.party_figures import Flow
from webapp.ledger.project_keys import ProjectNames


def flow_body(flow: Flow) -> schemas.Flow:
    retired, sold, reversed_ = (
        schemas.FlowSum(flow[kind].credits, tonnes_number(flow[kind].quantity))
        for kind in (EventType.RETIRED, EventType.SOLD, EventType.SALE_REVERSED)
    )
    return schemas.Flow(retired, sold, reversed_)


def project_name_body(project: ProjectNames) -> schemas.ProjectName:
    return schemas.ProjectName(project.registry, project.id or None, project.name)


def act_bodies(acts: ActLines) -> list[schemas.ActLine]:
    return [
        schemas.ActLine(
            position=line.position,
            url=f"/acts/{line.position}",
            event_type=line.event_type,
            happened_on=line.day,
            is_dated=line.is_dated,
            party=line.party or None,
            import_id=line.import_number,
            actor=line.actor,
            recorded_at=line.recorded_at,
            projects=[project_name_body(project) for project in line.projects],
            records=line.credits,
            tonnes=tonnes_number(quantity_text(line.quantity_e4)),
        )
        for line in acts.lines
    ]
