"""Forms have the domain's fields and messages."""

import pytest
from flask import Flask

from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.credit import FIELDS
from webapp.web.forms import CreditForm, FieldForm, RetirementForm, SaleForm

ONLY_ON_PAGES = {
    "csrf_token",
    "without_beneficiary",
    "is_for_another",
    "is_date_confirmed",
    "is_serial_confirmed",
    "replaces",
}


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (CreditForm, FIELDS),
        (SaleForm, ACTION_FIELDS[SaleForm.event_type]),
        (RetirementForm, ACTION_FIELDS[RetirementForm.event_type]),
    ],
)
def test_a_form_has_the_fields_of_the_domain_and_no_others(
    ledger_app: Flask, form: type[FieldForm], fields: tuple[object, ...]
) -> None:
    with ledger_app.test_request_context():
        built = form()
        assert [field for field, _ in built.inputs] == list(fields)
        assert {field.name for field, _ in built.inputs} == set(built.data) - ONLY_ON_PAGES
        assert [entry.label.text for _, entry in built.inputs] == [form.label_of(f) for f, _ in built.inputs]
