"""The exports of the registries are recognised by their headers and read without a mapping."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.imports.sources import EXPORTS, export, export_rows, json_source, meaning, source_of
from webapp.domain.fields import quantity_text
from webapp.domain.import_row import ImportRow
from webapp.imports.mapping import propose
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind

REGISTRIES = {
    "verra-transactions": ("verra", "state"),
    "gold-standard-issuances": ("gold-standard", "issuances"),
    "gold-standard-retirements": ("gold-standard", "retirements"),
    "acr-issuances": ("american-carbon-registry", "issuances"),
    "acr-retirements": ("american-carbon-registry", "retirements"),
    "acr-cancellations": ("american-carbon-registry", "cancellations"),
    "car-issuances": ("climate-action-reserve", "issuances"),
    "car-retirements": ("climate-action-reserve", "retirements"),
    "car-cancellations": ("climate-action-reserve", "cancellations"),
    "art-issuances": ("art-trees", "issuances"),
    "art-retirements": ("art-trees", "retirements"),
    "art-cancellations": ("art-trees", "cancellations"),
    "cercarbono-issuances": ("cercarbono", "issuances"),
    "cercarbono-retirements": ("cercarbono", "retirements"),
    "isometric-issuances": ("isometric", "issuances"),
    "isometric-retirements": ("isometric", "retirements"),
    "arb-issuances": ("arb", "issuances"),
}
NAMES = list(REGISTRIES)


def test_there_is_a_made_up_file_of_each_export() -> None:
    assert sorted(path.stem for path in EXPORTS.glob("*.csv")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_export_is_recognised_and_needs_no_mapping(name: str) -> None:
    mapping = propose(export(name))
    assert (mapping.format_key, (mapping.registry, mapping.meaning)) == (name, REGISTRIES[name])
    assert (mapping.is_public_export, mapping.missing, mapping.questions) == (True, [], ())


@pytest.mark.parametrize("name", NAMES)
def test_no_field_of_an_export_needs_a_tick(name: str) -> None:
    rows = meaning(source_of(*(row | {"New Column": "x"} for row in export_rows(name)), kind=FileKind.CSV))
    assert [row.unknown_fields for row in rows if row.unknown_fields] == []


def without_values(rows: Sequence[ImportRow]) -> list[object]:
    return [(row.number, row.credit, row.problems, row.end, row.facts, row.is_issuance) for row in rows]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_order_case_spaces_and_invisible_characters_of_headers_do_not_matter(
    name: str, random: Random
) -> None:
    rows = export_rows(name)
    headers = list(rows[0])
    random.shuffle(headers)
    spelled = {header: spelling(header, random) for header in headers}
    respelled = [{spelled[header]: row[header] for header in headers} for row in rows]
    source = source_of(*respelled, kind=FileKind.CSV)
    assert propose(source).format_key == name
    assert without_values(meaning(source)) == without_values(meaning(export(name)))


def spelling(header: str, random: Random) -> str:
    case = random.choice([str.lower, str.upper, str.title])
    before, after = random.choices(["", " ", "\ufeff", "\u200b"], k=2)
    space = random.choice([" ", "  ", "\u00a0", "_"])
    return before + case(header).replace(" ", space) + after


@pytest.mark.parametrize("name", NAMES)
def test_an_export_as_json_objects_is_the_same(name: str) -> None:
    source = json_source(*export_rows(name))
    assert propose(source).format_key == name
    assert without_values(meaning(source)) == without_values(meaning(export(name)))


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_an_export_is_read_from_its_bytes(name: str) -> None:
    source = read_source((EXPORTS / f"{name}.csv").read_bytes())
    mapping = propose(source)
    assert (mapping.format_key, mapping.questions) == (name, ())
    found = [(row.credit, row.end, row.facts) for row in meaning(source)]
    assert found == [(row.credit, row.end, row.facts) for row in meaning(export(name))]


def test_nested_objects_of_isometric_are_the_same_as_its_paths() -> None:
    (row,) = export_rows("isometric-retirements")
    nested: dict[str, object] = {}
    for path, value in row.items():
        outer, _, inner = path.partition(".")
        if inner:
            members = nested.setdefault(outer, {})
            assert isinstance(members, dict)
            members[inner] = value
        else:
            nested[path] = value
    assert without_values(meaning(json_source(nested))) == without_values(
        meaning(export("isometric-retirements"))
    )


# The tonnes of each row, its serial number, what became of them, the day, beneficiary and reason.
Said = tuple[str, str | None, str, str | None, str, str]
SAID: dict[str, list[Said]] = {
    "verra-transactions": [
        (
            "1000",
            "99385-941467007-941468006-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1",
            "active",
            None,
            "",
            "",
        ),
        (
            "425",
            "99385-941468007-941468431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1",
            "RETIRED",
            "2026-04-10",
            "Acme Airlines",
            "Environmental Benefit",
        ),
        (
            "50",
            "99385-941468432-941468481-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1",
            "RETIRED",
            "2026-04-11",
            "",
            "",
        ),
        (
            "10",
            "99385-941468482-941468491-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1",
            "WITHDRAWN",
            "2026-04-12",
            "",
            "Buffer Pool Cancellation",
        ),
        (
            "50",
            "7059-367676034-367676083-VCU-005-APX-BR-14-1686-01072014-31122014-1",
            "RETIRED",
            "2026-04-13",
            "Acme Airlines",
            "CORSIA",
        ),
    ],
    "gold-standard-issuances": [
        ("5485", "GS1-1-KE-GS99603-16-2025-30256-1-5485", "issued", None, "", ""),
    ],
    "gold-standard-retirements": [
        (
            "5354",
            "GS1-1-KE-GS99603-16-2025-30256-110-5463",
            "RETIRED",
            "2026-04-10",
            "Acme Tools",
            "Voluntary",
        ),
        ("10", "GS1-1-KE-GS99603-16-2025-30256-1-10", "RETIRED", "2026-04-11", "Acme Airlines", "CORSIA"),
        ("9", "GS1-1-KE-GS99603-16-2025-30256-11-19", "WITHDRAWN", None, "", "Cancelled"),
        ("3657", "RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7014", "RETIRED", "2026-04-12", "", ""),
    ],
    "acr-issuances": [
        ("4212", None, "issued", None, "", ""),
        ("25245", None, "issued", None, "", ""),
        ("4755", None, "WITHDRAWN", None, "", "Buffer pool"),
        ("30000", None, "refused", None, "", ""),
    ],
    "acr-retirements": [
        (
            "4212",
            "ACR-FR-1129-2025-2917-30932 to 35143",
            "RETIRED",
            "2026-04-10",
            "Acme Tools",
            "Environmental Benefit",
        ),
    ],
    "acr-cancellations": [
        (
            "669",
            "ACR-US-681-2023-3338-1 to 669",
            "WITHDRAWN",
            "2026-04-10",
            "",
            "Convert to ARB offset credits",
        ),
        (
            "31",
            "ACR-US-681-2023-3338-670 to 700",
            "WITHDRAWN",
            "2026-04-11",
            "",
            "Removal of credits from the registry",
        ),
    ],
    "car-issuances": [
        ("7275", None, "issued", None, "", ""),
        ("400", None, "issued", None, "", ""),
        ("100", None, "WITHDRAWN", None, "", "Buffer pool"),
        ("200", None, "WITHDRAWN", None, "", "Conversion to VCUs of Verra"),
        ("300", None, "WITHDRAWN", None, "", "Conversion to credits of ARB"),
    ],
    "car-retirements": [
        (
            "100",
            "CAR-1-US-1335-31-983-KS-2025-9659-43177 to 43276",
            "RETIRED",
            "2026-04-10",
            "",
            "On Behalf of Third Party",
        ),
        (
            "5",
            "CAR-1-NA-1500-31-983-KH-2025-9660-1 to 5",
            "RETIRED",
            "2026-04-11",
            "",
            "Environmental Benefit",
        ),
    ],
    "car-cancellations": [
        (
            "300",
            "CAR-1-US-1400-31-983-KS-2025-9661-1 to 300",
            "WITHDRAWN",
            "2026-04-10",
            "",
            "Transition to Compliance Program",
        ),
    ],
    "art-issuances": [
        ("750", None, "issued", None, "", ""),
        ("250", None, "WITHDRAWN", None, "", "Buffer pool"),
    ],
    "art-retirements": [
        ("1000", "ART-GY-102-2021-11-2759599 to 2760598", "RETIRED", "2026-04-10", "Acme Tools", "Voluntary"),
    ],
    "art-cancellations": [
        (
            "46404",
            "FCPF-CI-130-2023-20-1 to 46404",
            "RETIRED",
            "2026-04-10",
            "Acme Airlines",
            "CORSIA Compliance",
        ),
        ("100", "FCPF-CI-130-2023-20-46405 to 46504", "WITHDRAWN", "2026-04-11", "", "Reversal Compensation"),
    ],
    "cercarbono-issuances": [
        ("2961", "CDC_1_1_1_321_14_1_2009", "issued", None, "", ""),
        ("300", "CDC_1_1_1_321_14_1_2010", "WITHDRAWN", None, "", "Buffer pool"),
    ],
    "cercarbono-retirements": [
        ("2961", "CDC_1_1_1_321_14_1_2009-1 to 2961", "RETIRED", "2020-02-13", "Acme Fuels", "Carbon tax"),
        ("39", "CDC_1_1_1_321_14_1_2009-2962 to 3000", "RETIRED", "2020-01-16", "Acme Taxpayer", ""),
    ],
    "isometric-issuances": [
        ("531.25", "iss_1J5X", "issued", None, "", ""),
    ],
    "isometric-retirements": [
        ("12.3456", "ret_1J6Y", "RETIRED", "2026-04-10", "Acme Tools", "voluntary"),
    ],
    "arb-issuances": [
        ("5000", None, "issued", None, "", ""),
        ("1500", None, "WITHDRAWN", None, "", "Buffer pool"),
        ("20", None, "RETIRED", None, "", "Voluntary"),
        ("400", None, "RETIRED", None, "", "1st Compliance Period (CA)"),
        ("3000", None, "RETIRED", None, "", "2nd Compliance Period (CA)"),
        ("80", None, "RETIRED", None, "", "Compliance in Quebec"),
        ("500", None, "issued", None, "", ""),
    ],
}


def fate(row: ImportRow) -> str:
    if row.end:
        return row.end.type.value
    return "refused" if row.not_active else "issued" if row.is_issuance else "active"


@pytest.mark.parametrize("name", NAMES)
def test_an_export_says_what_became_of_the_tonnes(name: str) -> None:
    said = []
    for row in meaning(export(name)):
        assert row.credit, row.problems
        data = row.end.data if row.end else {}
        tonnes, day = quantity_text(row.credit.quantity_e4), row.end and row.end.occurred_on
        told = (day, data.get("beneficiary", ""), data.get("reason", ""))
        said.append((tonnes, row.credit.serial_number, fate(row), *told))
    assert said == SAID[name]


# Texts made of two columns, and the fixed names of registries, are part of the id: these never change.
IDS = {
    "verra-transactions": [
        "f46ecccb43d9d11162cddb96c31157c1b6670374c3053e3b55d7bfda0a1c836e",
        "8e7d64c451f10d4eaab89a5769ce74fa3f89cc29bfc9c9d6f5f69792d98097c7",
        "11d5aaa252cb59dd2cbbea397056821191ca8ece0c1784d51abbc540d1ab4cfe",
        "4b92d173a0f2ab8033bbb1a812dafa6b28368cce597183958f6e130bb9375843",
        "ae9448d655cd024b380a099f24cf038e4489e70425781bda25a4d69bcbb6ba2b",
    ],
    "gold-standard-issuances": [
        "08081f57ddf445b5c2beb25f8d33f5933940eabd69035eedf483b6c5451e4df8",
    ],
    "gold-standard-retirements": [
        "2c4bfecdcaae19446e77d4411cc2e7ad2880cf78215b053dd46c8f66ba96329e",
        "df54dda96eb2ce53abd7ba17d6fbdc178e9c328f57227bcd5a1e47240d08e227",
        "8c520d6158c0603e4f9226e87c8d377fb06be29531ad4f607d9d0eed4c888887",
        "a97e44966d76770694b1828787cf8ef4a76d73e9b9576ca50f0646630f230b15",
    ],
    "acr-issuances": [
        "488b687b9eb43744f7a12e7cd627ee61c298e1184b09fa517861683bf65a304b",
        "662729d775ba98b3f64851e8c486bf429360429795032ec6330147026fdade12",
        "35276d9c19e7bf507730b640a707d6fbc34948fb0e9e4cf2a94bd166d5da49a5",
        "972e902a754313d27dde84f5bc0c717e771b832c55afe4c15231768ed6b3a816",
    ],
    "acr-retirements": [
        "a68df0f958dbfa9e035a4bc1bb46203fa2c6516cd506c12f24c4b48a88e094d1",
    ],
    "acr-cancellations": [
        "6ca7883e0444524643077f3c28237ade4f889cc7d2c0a358c051b78762461d62",
        "d0918238d8608b6fe5dc589aa408d86ea8619d51a2aa1666a9e859be2dbf49f8",
    ],
    "car-issuances": [
        "5f9806519bba4890a74c8c72a772b41a485c3f61fd1457e767508ae2a8677d3b",
        "28c4fb7a1a5508391f4483346505f33c158873d5a5a8ffce0eff6176407b1435",
        "9589b065ef4c4fcb7f5d25f6591071c10dd82814c09285585725e33da93461d8",
        "203286da18db66ae2d6f7cab7e32bc0c2299baf09c099ec25dce38c791754855",
        "52167c65e26a87216a634fe7fb8109c33144e63fcfe83f3229442a08b46c3f43",
    ],
    "car-retirements": [
        "8cd7ba1bffc4a773002c6b08c3ad0bc63bdc4895327152db2a49b6e319c07039",
        "b70a96811c2ea7ac8ff39743b1afed6b39f5e0b15a7eccf3a47fd60d0d8d515e",
    ],
    "car-cancellations": [
        "1ca7f6b56b21189cd0bc399cd985d5794d66d6a189db018c63fe03db8a2d00f9",
    ],
    "art-issuances": [
        "2befa883f2ae80f3494bbfd78329fc19e4d0082d6088500e1d4c464bdb79b181",
        "112b2129996f55746ed023ca11ce28babf398353d264217cb486e147aceb7fe5",
    ],
    "art-retirements": [
        "a8ca58115a349b2d1ebba9a933cbe0af4a1df591a8ef7501483ec7b36ac1a72c",
    ],
    "art-cancellations": [
        "5279fd3d11d70dfd0bccb218cf997e97bb9cbec2c6ae5be779dda4fcbc00d2f2",
        "3f766a4f551e745c52ba6ee24d4202432994645807911416a0e6a31bfd7f90ad",
    ],
    "cercarbono-issuances": [
        "9cff2d64f1f0bd2a5edc67e915d878c0073586c1b062dd56985f3d55a349707d",
        "64958e05c17ee4aae41bb1e7cf26643d5dd5f06ed6a841d085f7d84238a146d3",
    ],
    "cercarbono-retirements": [
        "c473fd722735443ffe85ae075167fc504887b62a96342bda5d91527631b710c4",
        "750ee8b6cdcea88b88620d56e1076396a6bd4c7d8694f27f4ceebebafd724ab0",
    ],
    "isometric-issuances": [
        "6ff657ab6ec31d3f87dcf2477815893fdb660f6277ec720d116061494ef91e22",
    ],
    "isometric-retirements": [
        "003b8b31a0023b8038229a4a46c33b3642881fcfe86214eafb24138486272183",
    ],
    "arb-issuances": [
        "b416f0e1878f05738a9b5f57cc9a3b9d342a46a665ba070169244b4732af3b5e",
        "d5784ab6acd2410631028df1da7340810a812319f49f57482bf661d5cd945985",
        "c14764771543322e7a3f0de6d1fb19624b226b9b05786030cdfeb6f1d10a8bd6",
        "5cb182e40c2962678224f518e3574dda407c3c1aeeff96cf4e3c7baa9812893e",
        "123f4d91bf17c61d54000dc20947d695ff00eafd0815655edd0156eb396e9f11",
        "57b8f6a0e43030ea8c88a69d3d1c0f2eef2a124a49f7c367a72602e8cc74db78",
        "85075787756aaa4f422af2b26287703603f472547f71448af0a7acaac72b5a02",
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_the_ids_of_an_export_are_frozen(name: str) -> None:
    assert [row.credit.id for row in meaning(export(name)) if row.credit] == IDS[name]
