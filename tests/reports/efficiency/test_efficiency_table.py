"""An efficiency table joins what runs know of a model, refuses what differs, and shows each number as its record has it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from ssl_benchmarks.energy.carbon import given_intensity
from ssl_benchmarks.record.flaws import DISTURBED
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.record.stated import Stated, StatedCost
from ssl_models.errors import BadInputError
from ssl_models.recipes import Recipe
from ssl_reports.efficiency.columns import COLUMNS
from ssl_reports.efficiency.efficiency_table import efficiency_table
from ssl_reports.efficiency.layout import Layout
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.repricing import repriced
from ssl_reports.reading.stated_recipes import with_recipes
from ssl_reports.tables.data import comma_separated, data_word, rows_of
from ssl_reports.tables.html import html
from ssl_reports.tables.latex_table import latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.plain import plain_text
from ssl_reports.tables.table import PaperTable

ON = Conditions(device="card", dtype="bfloat16", clip_seconds=15.0, batch_seconds=240.0, pue=1.0)
TEST = Conditions(task="pr", head="linear", labels="1h", tested_on="dev")


def rows(model: str, speed: float = 100.0, joules: float = 360.0, on: Conditions = ON) -> list[Measurement]:
    """A training step on a GPU: `speed` x real time, `joules` per audio hour, with intervals of 1 %."""
    near = (0.99, 1.01)

    def known(value: float, unit: str) -> Quantity:
        return Quantity(value, unit, "measured", (value * near[0], value * near[1]))

    return [
        Measurement(model, "parameters", Quantity(28.4e6, "1", "analytic"), "inference", None, on),
        Measurement(model, "flops_per_audio_second", Quantity(5.0e9, "FLOP/s", "analytic"), "training", None, on),
        Measurement(model, "audio_seconds_per_second", known(speed, "s/s"), "training", None, on),
        Measurement(model, "energy_per_audio_hour", known(joules, "J/h"), "training", "gpu", on),
        Measurement(model, "peak_memory", Quantity(2.0**31, "B", "measured"), "training", None, on),
    ]


def record(name: str, measurements: list[Measurement], status: str = "finished") -> Record:
    environment = {"gpus": [{"name": "card"}]}
    config = {"device": "cuda", "seed": 0, "pue": 1.0}
    details = {"rounds": []}
    created = "2026-11-28T08:00:00+00:00"
    return Record(name, created, status, "sslbench compare", config, environment, tuple(measurements), details=details, kind="comparison")  # fmt: skip


def evidence(*records: Record) -> Evidence:
    return Evidence(records, (None,) * len(records))


def names(table: PaperTable) -> list[str]:
    return [data_word(row[0]) for row in table.rows]


def cell(table: PaperTable, model: str, head: str) -> Quantity:
    place = [column.name for column in table.columns].index(head)
    found = next(row for row in table.rows if data_word(row[0]) == model)[place]
    assert isinstance(found, Quantity)
    return found


def test_a_row_joins_counts_timings_and_error_rates_of_several_runs() -> None:
    measured = record("one", rows("efficient-small"))
    rated = record(
        "two",
        [Measurement("efficient-small", "per", Quantity(0.2, "1", "measured", (0.19, 0.21)), "evaluation", None, TEST)],
    )
    table = efficiency_table(evidence(measured, rated), Layout())
    assert names(table) == ["efficient-small"]
    heads = [column.name for column in table.columns]
    assert heads == [
        "Model",
        "Params",
        "Training FLOPs",
        "Training speed",
        "Peak memory",
        "Pretraining",
        "Energy",
        "PER",
    ]
    assert cell(table, "efficient-small", "PER").value == 0.2


def test_pretraining_is_the_rate_times_the_recipe_worked_by_hand() -> None:
    """18,000 h at 100 x real time are 180 device-hours, and at 360 J per audio hour 1.8 kWh; at 50 g/kWh and a PUE of 2, 180 g."""
    known = repriced(evidence(record("one", rows("efficient-small"))), given_intensity(50.0), 2.0)
    table = efficiency_table(known, Layout())
    hours, energy, carbon = (cell(table, "efficient-small", head) for head in ("Pretraining", "Energy", "CO2e"))
    assert (hours.value, hours.method) == (pytest.approx(180.0), "projected")
    assert energy.value == pytest.approx(18_000 * 360)
    assert carbon.value == pytest.approx(180.0)
    assert carbon.ci95 == (pytest.approx(180.0 * 0.99), pytest.approx(180.0 * 1.01))


def test_other_hours_project_every_model_to_them() -> None:
    found = evidence(record("one", rows("mine.py:encoder")))
    assert "Pretraining" not in [column.name for column in efficiency_table(found, Layout()).columns]
    stated = efficiency_table(found, Layout(hours=1000.0))
    assert cell(stated, "mine.py:encoder", "Pretraining").value == pytest.approx(10.0)


OWN_RECIPE = Recipe(audio_hours=1_000.0, device_hours=96.0, source="our log of May", origin="stated")


def test_a_stated_recipe_projects_a_model_of_one_s_own_as_the_catalog_s() -> None:
    """1,000 h at 100 x real time are 10 device-hours, and at 360 J per audio hour 0.1 kWh; its source is below the table."""
    found = with_recipes(
        evidence(record("one", [*rows("mine.py:step"), *rows("efficient-small")])), {"mine.py:step": OWN_RECIPE}
    )
    table = efficiency_table(found, Layout())
    hours, energy = (cell(table, "mine.py:step", head) for head in ("Pretraining", "Energy"))
    assert (hours.value, hours.method) == (pytest.approx(10.0), "projected")
    assert energy.value == pytest.approx(360_000.0)
    assert cell(table, "efficient-small", "Pretraining").value == pytest.approx(180.0)
    said = [line for line in table.notes if "stated by you" in line]
    assert said == ["Recipe of mine.py:step, stated by you: 1,000 h of audio seen (our log of May)."]
    other = efficiency_table(found, Layout(hours=2_000.0))
    assert cell(other, "mine.py:step", "Pretraining").value == pytest.approx(20.0)
    assert not [line for line in other.notes if "stated by you" in line]


def test_stated_device_hours_stand_where_no_training_was_measured() -> None:
    known = [row for row in rows("hf:x/y") if row.metric == "parameters"]
    found = with_recipes(evidence(record("one", [*known, *rows("efficient-small")])), {"hf:x/y": OWN_RECIPE})
    hours = cell(efficiency_table(found, Layout()), "hf:x/y", "Pretraining")
    assert (hours.value, hours.method) == (96.0, "stated")
    assert "our log of May" in hours.note


def trained(model: str, hours: float = 2.0) -> list[Measurement]:
    """A whole training after target fitting."""
    return [
        *rows(model),
        Measurement(model, "audio_hours_seen", Quantity(hours, "h", "measured"), "training", None, ON),
        Measurement(model, "device_hours", Quantity(0.5, "h", "measured"), "training", None, ON),
        Measurement(model, "device_hours", Quantity(0.25, "h", "measured"), "targets", None, ON),
        Measurement(model, "energy", Quantity(7.2e6, "J", "measured"), "training", "gpu", ON),
        Measurement(model, "energy", Quantity(3.6e6, "J", "measured"), "targets", "gpu", ON),
    ]


def test_what_runs_spent_includes_their_targets_and_is_shown_only_where_all_were_trained() -> None:
    alone = efficiency_table(evidence(record("one", trained("efficient-small"))), Layout())
    assert cell(alone, "efficient-small", "Pretraining").value == 0.75
    assert cell(alone, "efficient-small", "Energy").value == 10.8e6
    together = evidence(record("one", trained("efficient-small")), record("two", rows("essl")))
    assert cell(efficiency_table(together, Layout()), "efficient-small", "Pretraining").method == "projected"
    spent = efficiency_table(together, Layout(account="spent"))
    assert cell(spent, "essl", "Energy").value is None


def test_two_trainings_of_a_model_are_two_rows_and_what_measured_them_joins_each() -> None:
    first, second = record("a", trained("efficient-small", 2.0)), record("b", trained("efficient-small", 3.0))
    rated = [
        Measurement(f"efficient-small ({name})", "per", Quantity(value, "1", "measured"), "evaluation", None, TEST)
        for name, value in (("a", 0.3), ("b", 0.2))
    ]
    both = evidence(first, second, record("rated", rated))
    table = efficiency_table(both, Layout())
    assert names(table) == ["efficient-small (a)", "efficient-small (b)"]
    assert [cell(table, f"efficient-small ({name})", "PER").value for name in "ab"] == [0.3, 0.2]
    alone = efficiency_table(evidence(first, record("rated", rated[:1])), Layout())
    assert names(alone) == ["efficient-small"]
    assert cell(alone, "efficient-small", "PER").value == 0.3


def test_a_sum_without_one_part_is_unavailable() -> None:
    measurements = [
        replace(m, quantity=unavailable("J", "the counter stood still"))
        if (m.metric, m.phase) == ("energy", "targets")
        else m
        for m in trained("efficient-small")
    ]
    table = efficiency_table(evidence(record("one", measurements)), Layout(columns=("energy",)))
    assert cell(table, "efficient-small", "Energy").value is None
    assert "stood still" in cell(table, "efficient-small", "Energy").note


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"dtype": "float32"}, "in float32 (most models: bfloat16)"),
        ({"clip_seconds": 5.0}, "48 clips of 5 s per batch (most models: 16 clips of 15 s per batch)"),
        (
            {"clip_seconds": 5.0, "batch_seconds": 5.0},
            "one 5 s clip per batch (most models: 16 clips of 15 s per batch)",
        ),
        ({"batch_seconds": 60.0}, "4 clips of 15 s per batch (most models: 16 clips of 15 s per batch)"),
        ({"device": "another"}, "on another (most models: card)"),
        ({"compile": True}, "compile yes (most models: not recorded)"),
    ],
    ids=str,
)
def test_models_measured_under_different_conditions_are_refused_or_marked(
    changed: dict[str, object], flaw: str
) -> None:
    other = rows("essl", on=replace(ON, **changed))  # type: ignore[arg-type]
    found = evidence(record("one", [*rows("efficient-small"), *rows("hubert-base"), *other]))
    layout = Layout(columns=("rtf",))
    with pytest.raises(BadInputError, match="not comparable, column rtf"):
        efficiency_table(found, layout)
    table = efficiency_table(found, replace(layout, mark_differences=True, bold=True))
    assert cell(table, "essl", "Training speed").flaw == flaw
    assert not cell(table, "efficient-small", "Training speed").flaw
    assert all(place[0] != 2 for place in table.best)


def test_of_two_runs_of_a_model_the_one_under_the_shared_conditions_fills_the_cell() -> None:
    lone = record("lone", rows("essl", speed=7.0, on=replace(ON, dtype="float32")))
    shared = record("shared", [*rows("essl", speed=50.0), *rows("efficient-small")])
    for found in (evidence(lone, shared), evidence(shared, lone)):
        table = efficiency_table(found, Layout(columns=("rtf",)))
        assert cell(table, "essl", "Training speed").value == 50.0


def test_of_equal_runs_the_sound_one_fills_the_cell() -> None:
    flawed = [replace(m, quantity=replace(m.quantity, flaw=DISTURBED)) for m in rows("essl", speed=9.0)]
    for found in ([*flawed, *rows("essl")], [*rows("essl"), *flawed]):
        table = efficiency_table(evidence(record("one", found)), Layout(columns=("rtf",)))
        assert cell(table, "essl", "Training speed").value == 100.0


def test_energy_is_the_gpu_s_where_one_did_the_work_and_the_machine_s_elsewhere() -> None:
    whole = [
        replace(m, scope="machine", quantity=replace(m.quantity, value=999.0, ci95=None))
        for m in rows("essl")
        if m.metric == "energy_per_audio_hour"
    ]
    on_gpu = efficiency_table(evidence(record("one", [*rows("essl"), *whole])), Layout(columns=("joules",)))
    assert cell(on_gpu, "essl", "Training energy").value == 360.0
    of_cpu = replace(record("two", whole), config={"device": "cpu"}, environment={"gpus": []})
    assert (
        cell(efficiency_table(evidence(of_cpu), Layout(columns=("joules",))), "essl", "Training energy").value == 999.0
    )


def test_published_figures_come_only_when_asked() -> None:
    found = evidence(record("one", rows("wav2vec2-base")))
    assert "WER" not in [column.name for column in efficiency_table(found, Layout()).columns]
    asked = efficiency_table(found, Layout(published=True))
    assert cell(asked, "wav2vec2-base", "WER, test-clean").method == "published"
    assert (cell(asked, "wav2vec2-base", "Published pretraining").value, asked.columns[-3].unit) == (2458.0, "GPU-h")


def test_names_order_and_controls() -> None:
    control = Measurement("log-mel", "per", Quantity(0.4, "1", "measured"), "evaluation", None, TEST)
    found = evidence(record("one", [*rows("essl"), *rows("efficient-small"), control]))
    table = efficiency_table(found, Layout(names={"essl": "essL (90 M)"}, order=("efficient-small",)))
    assert names(table) == ["efficient-small", "essL (90 M)"]
    with pytest.raises(BadInputError, match="did you mean essl"):
        efficiency_table(found, Layout(order=("esl",)))
    with pytest.raises(BadInputError, match="energy"):
        efficiency_table(found, Layout(columns=("enrgy",)))


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(BadInputError, match="nothing to put into a table"):
        efficiency_table(evidence(record("one", [])), Layout())


def test_the_best_and_what_cannot_be_told_from_it_are_emphasised() -> None:
    found = evidence(record("one", [*rows("essl", 100.0), *rows("efficient-small", 101.0), *rows("hubert-base", 50.0)]))
    table = efficiency_table(found, Layout(columns=("rtf",), bold=True))
    assert table.best == {(0, 1), (1, 1)}
    assert markdown(table).count("**") == 4
    assert plain_text(table).count("*") == 3, "that in the note included"
    assert html(table).count("<strong>") == 2
    assert latex(table).count(r"\bfseries") + latex(table).count(r"\textbf") == 2


FORMS = (markdown, html, plain_text, latex, comma_separated)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize(
    "metric", ["audio_seconds_per_second", "energy_per_audio_hour", "peak_memory", "flops_per_audio_second"]
)
def test_a_disturbed_figure_differs_from_a_sound_one_in_every_form(form: object, metric: str) -> None:
    sound = rows("essl")
    disturbed = [replace(m, quantity=replace(m.quantity, flaw=DISTURBED)) if m.metric == metric else m for m in sound]
    shown = [form(efficiency_table(evidence(record("one", found)), Layout())) for found in (sound, disturbed)]  # type: ignore[operator]
    assert shown[0] != shown[1]
    assert "†" not in shown[0]
    assert DISTURBED not in shown[0]
    assert DISTURBED in shown[1]


def test_each_number_of_each_form_is_the_record_s_rounded_to_its_uncertainty() -> None:
    """123.456 +- 1.23 is shown as 123.5 +- 1.2 everywhere, and in full in the CSV and the JSON."""
    found = evidence(record("one", rows("essl", speed=123.456)))
    table = efficiency_table(found, Layout(columns=("rtf", "gpu-hours")))
    for form in (markdown, html, plain_text):
        assert "123.5 ± 1.2" in form(table), form.__name__
    assert "123.5 +- 1.2" in latex(table)
    line = next(csv.DictReader(io.StringIO(comma_separated(table))))
    assert float(line["Training speed [x real time]"]) == 123.456
    speed = rows_of(table)[0]["Training speed"]
    assert isinstance(speed, dict)
    assert (speed["value"], speed["unit"]) == (123.456, "x real time")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_folds_instead_of_being_cut(width: int) -> None:
    measurements = [*trained("efficient-small"), *trained("hubert-base")]
    table = efficiency_table(evidence(record("one", measurements)), Layout())
    text = plain_text(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert all(word in text for column in table.columns for word in column.title.split())


def test_every_column_says_which_way_is_better_and_has_units() -> None:
    assert all(column.units and column.better in {"low", "high"} for column in COLUMNS.values())


def test_units_suit_the_values() -> None:
    small = efficiency_table(
        evidence(record("one", rows("efficient-small", joules=0.001))), Layout(columns=("energy",))
    )
    assert small.columns[1].unit == "Wh"
    large = efficiency_table(
        evidence(record("one", rows("efficient-small", joules=3.6e6))), Layout(columns=("energy",))
    )
    assert large.columns[1].unit == "MWh"


def test_counted_columns_say_so_once() -> None:
    table = efficiency_table(evidence(record("one", rows("essl"))), Layout(columns=("parameters", "flops")))
    text = plain_text(table)
    assert "Params and FLOPs: counted, not measured" in text
    assert not re.search(r"\d c\b", text)


def three() -> Evidence:
    return evidence(record("one", [*rows("essl", 50.0, 900.0), *rows("efficient-small"), *rows("hubert-base", 25.0)]))


def test_ratios_to_a_baseline_stand_beside_their_figures() -> None:
    """100 / 50 x real time, each with an interval of 1 %; the baseline's own row has none."""
    table = efficiency_table(three(), Layout(columns=("rtf", "memory"), baseline="essl"))
    ratio = table.ratios[1, 1]
    assert ratio.value == pytest.approx(2.0)
    assert ratio.ci95 is not None
    assert ratio.ci95[0] == pytest.approx(2 * 0.99**1.414, rel=1e-3)
    assert not any(number == 0 for number, _ in table.ratios)
    for form in (markdown, html, plain_text, latex):
        assert "(2.00×)" in form(table).replace(r"\texttimes{}", "×"), form.__name__
        assert "ratios to essL" in form(table)
    lines = {line["Model"]: line for line in csv.DictReader(io.StringIO(comma_separated(table)))}
    assert float(lines["efficient-small"]["Training speed [x real time] ratio"]) == pytest.approx(2.0)
    assert lines["essl"]["Training speed [x real time] ratio"] == ""
    speed = rows_of(table)[2]["Training speed"]
    assert isinstance(speed, dict)
    assert speed["ratio"] == pytest.approx(0.5)


def test_a_ratio_to_a_disturbed_baseline_is_marked() -> None:
    disturbed = [replace(m, quantity=replace(m.quantity, flaw=DISTURBED)) for m in rows("essl")]
    found = evidence(record("one", [*disturbed, *rows("efficient-small")]))
    table = efficiency_table(found, Layout(columns=("rtf",), baseline="essl"))
    line = next(line for line in plain_text(table).splitlines() if line.startswith("efficient-small"))
    assert line.endswith("†")


def test_models_are_grouped_with_a_rule_between() -> None:
    found = evidence(
        record("one", [*rows("hubert-base"), *rows("efficient-small"), *rows("hubert-large"), *rows("mine.py:net")])
    )
    table = efficiency_table(found, Layout(columns=("rtf",), group="family"))
    assert names(table) == ["hubert-base", "hubert-large", "efficient-small", "mine.py:net"]
    assert table.ruled == {2, 3}
    assert latex(table).count("\\midrule") == 3
    assert html(table).count("<tbody>") == 3
    with pytest.raises(BadInputError, match="family"):
        efficiency_table(found, Layout(group="famly"))


def test_models_may_stand_in_columns() -> None:
    upright = efficiency_table(three(), Layout(columns=("rtf", "memory")))
    turned = efficiency_table(three(), Layout(columns=("rtf", "memory"), turned=True))
    assert [column.name for column in turned.heads] == ["", "essL", "efficient-small", "HuBERT Base"]
    assert [line[0].cell for line in turned.lines()] == [
        "Training speed\u00a0↑ (× real time)",
        "Training peak memory\u00a0↓ (GiB)",
    ]
    for form in (markdown, html, plain_text, latex):
        assert form(turned) != form(upright)
    assert "50.0 ± 0.5" in plain_text(turned)
    assert comma_separated(turned) == comma_separated(upright)
    assert rows_of(turned) == rows_of(upright)


def test_units_and_digits_are_chosen() -> None:
    table = efficiency_table(three(), Layout(columns=("energy", "memory", "rtf"), units=("MJ", "GB"), digits=2))
    assert [column.unit for column in table.columns] == ["", "MJ", "GB", "x real time"]
    assert cell(table, "efficient-small", "Energy").value == pytest.approx(18_000 * 360)
    text = plain_text(table)
    assert "6.48 ± 0.06" in text  # 18,000 h at 360 J, and one digit of 1 %
    assert "100 ± 1" in text
    assert "2.1" in text  # 2 GiB
    with pytest.raises(BadInputError, match="unit"):
        efficiency_table(three(), Layout(columns=("rtf",), units=("MJ",)))


def test_words_are_columns_too() -> None:
    stated = Stated(licence={"mine.py:net": "MIT"})
    found = evidence(record("one", [*rows("essl"), *rows("mine.py:net")]))
    table = efficiency_table(found, Layout(columns=("family", "rtf", "licence", "device"), stated=stated))
    assert [row[1] for row in table.rows] == ["essl", "other"]
    assert [row[3] for row in table.rows] == ["Apache-2.0", "MIT"]
    assert [row[4] for row in table.rows] == ["card", "card"]


def test_weights_on_disk_are_counted_from_the_parameters() -> None:
    table = efficiency_table(three(), Layout(columns=("disk",), units=("MiB",)))
    assert "108" in plain_text(table)  # 28.4 M x 4 B / 2^20
    assert "float32, counted" in plain_text(table)


def test_a_price_is_device_hours_times_the_price_of_one() -> None:
    table = efficiency_table(three(), Layout(columns=("gpu-hours", "price"), price_per_hour=2.0))
    hours, price = (cell(table, "efficient-small", head) for head in ("Pretraining", "Price"))
    assert hours.value == pytest.approx(180.0)
    assert price.value == pytest.approx(360.0)
    assert "Price: 2 per device-hour, in the currency of --price-per-gpu-hour." in plain_text(table)
    assert "price units" in plain_text(table)
    assert "Price" not in [column.name for column in efficiency_table(three(), Layout()).columns]


STATED = Stated(
    (
        StatedCost("their model", "energy", 98.0, "kWh", "Table 5 of A and B (2023)"),
        StatedCost("their model", "rtf", 2650.0, "x real time", "the same"),
        StatedCost("essl", "rtf", 1.0, "x real time", "never"),
        StatedCost("essl", "embodied CO2e", 150.0, "kg", "the vendor's data sheet", 100.0, 300.0),
    )
)


def test_stated_costs_fill_what_runs_leave_open_and_are_marked() -> None:
    table = efficiency_table(three(), Layout(stated=STATED))
    assert names(table)[-1] == "their model"
    theirs = cell(table, "their model", "Energy")
    assert (theirs.value, theirs.method) == (98 * 3.6e6, "stated")
    assert cell(table, "essl", "Training speed").method == "measured"
    own = cell(table, "essl", "embodied CO2e")
    assert (own.value, own.ci95) == (150.0, (100.0, 300.0))
    for form in (markdown, html, plain_text, latex):
        text = form(table)
        assert "stated by the user, not measured here" in text, form.__name__
        assert "Table 5 of A and B" in text
        assert "never" not in text
    assert ",stated,their model: Table 5 of A and B (2023)," in comma_separated(table)


def test_no_ratio_is_taken_to_a_figure_from_elsewhere_and_it_never_wins() -> None:
    layout = Layout(columns=("rtf", "energy"), stated=STATED, baseline="their model", bold=True)
    table = efficiency_table(three(), layout)
    assert not table.ratios
    assert [place for place in table.best if names(table)[place[0]] == "their model"] == []
    assert table.best


def test_stated_costs_of_no_run_are_not_compared_with_conditions() -> None:
    table = efficiency_table(three(), Layout(columns=("rtf",), stated=STATED))
    assert cell(table, "their model", "Training speed").value == 2650.0


def test_a_measured_figure_goes_before_published_ones_however_many_models_have_those() -> None:
    measured = Measurement("wav2vec2-base", "wer", Quantity(0.5, "1", "measured"), "finetuning", None, TEST)
    found = evidence(record("one", [*rows("wav2vec2-base"), *rows("hubert-large"), *rows("wavlm-large"), measured]))
    layout = Layout(columns=("wer",), published=True, mark_differences=True)
    assert cell(efficiency_table(found, layout), "wav2vec2-base", "WER").value == 0.5


def test_error_rates_say_over_how_many_seeds() -> None:
    rated = Measurement(
        "essl",
        "per",
        Quantity(0.3, "1", "measured", note="mean of 3 seeds: 29.0, 30.0, 31.0 %"),
        "evaluation",
        None,
        TEST,
    )
    assert "mean of 3 seeds" in plain_text(
        efficiency_table(evidence(record("one", [*rows("essl"), rated])), Layout()), 999
    )


def test_another_grid_prices_what_was_spent_anew() -> None:
    """10.8 MJ are 3 kWh; at 100 g/kWh and a PUE of 1.5, 450 g."""
    carbon = [
        Measurement("efficient-small", "co2e", Quantity(energy / 3.6e6 * 50, "g", "modelled"), phase, "gpu", ON)
        for phase, energy in (("training", 7.2e6), ("targets", 3.6e6))
    ]
    found = evidence(record("one", [*trained("efficient-small"), *carbon]))
    assert cell(efficiency_table(found, Layout()), "efficient-small", "CO2e").value == pytest.approx(150.0)
    other = repriced(found, given_intensity(100.0), 1.5)
    table = efficiency_table(other, Layout())
    assert cell(table, "efficient-small", "CO2e").value == pytest.approx(450.0)
    assert "CO2e: grid intensity of 100 g/kWh, power usage effectiveness (PUE) 1.5." in plain_text(table, 200)
    assert repriced(found, None, None) is found


def test_a_ratio_of_projections_is_that_of_the_projections() -> None:
    """The record of a comparison holds its projected energies beside those of its rounds, which are no part of their ratio."""
    rounds = []
    for share in (1.0, 1.1, 0.9):
        cells = [
            {"model": model, "phase": "training", "rows": [
                Measurement(model, "energy", Quantity(joules * share, "J", "measured"), "training", "gpu", ON).row()
            ]}
            for model, joules in (("essl", 10.0), ("efficient-small", 10.0))
        ]  # fmt: skip
        rounds.append({"cells": cells})
    measurements = [*rows("essl", joules=900.0), *rows("efficient-small", joules=360.0)]
    projected = [
        Measurement(model, "energy", Quantity(18_000.0 * joules, "J", "projected"), "training", "gpu", ON)
        for model, joules in (("essl", 900.0), ("efficient-small", 360.0))
    ]
    whole = replace(record("one", [*measurements, *projected]), details={"rounds": rounds})
    table = efficiency_table(evidence(whole), Layout(columns=("energy",), baseline="essl", hours=18_000.0))
    assert table.ratios[1, 1].value == pytest.approx(0.4)


def test_a_run_of_one_model_may_be_named_instead_of_it() -> None:
    found = evidence(record("ours", rows("efficient-small")), record("theirs", rows("essl")))
    layout = Layout(columns=("rtf",), names={"ours": "Ours (28 M)"}, order=("theirs",), baseline="theirs")
    table = efficiency_table(found, layout)
    assert names(table) == ["essl", "Ours (28 M)"]
    assert table.ratios[1, 1].value == pytest.approx(1.0)


def rated(model: str, on: str = "dev", labels: str = "1h", method: str = "measured", **known: object) -> Measurement:
    """A phone error rate; `known` are its note and the number of its utterances."""
    quantity = Quantity(0.3, "1", method, **known)  # type: ignore[arg-type]
    test = replace(TEST, labels=labels, tested_on=on)
    return Measurement(model, "per", quantity, "evaluation", None, test)


def test_each_test_set_of_the_way_that_most_models_share_has_a_column() -> None:
    found = [
        *rows("essl"), *rows("efficient-small"), rated("essl", "test-other"), rated("essl", "test-clean"),
        rated("essl", "dev", "10min"), rated("efficient-small", "test-clean"),
    ]  # fmt: skip
    table = efficiency_table(evidence(record("one", found)), Layout(columns=("per",)))
    assert [column.name for column in table.columns] == ["Model", "PER, test-other", "PER, test-clean"]
    assert cell(table, "efficient-small", "PER, test-other").value is None
    assert (
        "PER (phone error rate), test-other; PER (phone error rate), test-clean: phone recognition, linear head, trained on 1 h of labels.\n"
        in plain_text(table, 200)
    )


def test_of_ways_that_equally_many_models_share_the_first_is_shown() -> None:
    """Whatever the seed of Python's hashes."""
    for labels in (("1h", "10min"), ("10min", "1h")):
        found = [*rows("essl"), *(rated("essl", labels=each) for each in labels)]
        text = plain_text(efficiency_table(evidence(record("one", found)), Layout(columns=("per",))), 200)
        assert f"trained on {labels[0].replace('h', ' h').replace('min', ' min')} of labels" in text


def test_what_was_learned_from_and_evaluated_on_is_said_as_it_was() -> None:
    """0.57 h is what is left of the hour that was asked for."""
    note = "frame-wise linear map, CTC, greedy, 0.57 h of labels, 12 unseen speakers; 95 % bootstrap"
    found = [*rows("essl"), rated("essl", "dev-clean", note=note, n=623)]
    text = plain_text(efficiency_table(evidence(record("one", found)), Layout(columns=("per",))), 999)
    assert (
        "PER (phone error rate): phone recognition, linear head, trained on 0.57 h of labels (the part of 1 h whose words are in the "
        "dictionary), evaluated on 623 utterances of 12 speakers of dev-clean.\n"
    ) in text


def test_all_columns_refer_to_the_conditions_of_most_models_of_the_table() -> None:
    """Two of three models have a speed at 5 s, but three of four have other numbers at 15 s."""
    at = replace(ON, clip_seconds=5.0, batch_seconds=5.0)
    memory = [m for model in ("wavlm-base", "melhubert-base") for m in rows(model) if m.metric == "peak_memory"]
    short = [m for m in rows("hubert-base", on=at) if m.metric != "peak_memory"]
    found = [*rows("essl"), *memory, *short, *(replace(m, model="hubert-large") for m in short)]
    table = efficiency_table(
        evidence(record("one", found)), Layout(columns=("rtf", "flops", "memory"), mark_differences=True)
    )
    assert not cell(table, "essl", "Training speed").flaw
    flaws = {cell(table, "hubert-base", head).flaw for head in ("Training speed", "Training FLOPs")}
    assert flaws == {"one 5 s clip per batch (most models: 16 clips of 15 s per batch)"}


def test_heads_say_of_which_phase_they_are() -> None:
    found = evidence(record("one", [*trained("efficient-small"), *trained("essl")]))
    heads = [column.title for column in efficiency_table(found, Layout(published=True)).columns]
    assert heads == [
        "Model", "Params\u00a0↓", "Training FLOPs\u00a0↓", "Training speed\u00a0↑", "Training peak memory\u00a0↓",
        "Pretraining time\u00a0↓", "Pretraining energy\u00a0↓",
    ]  # fmt: skip
    groups = [column.group for column in efficiency_table(found, Layout()).columns]
    assert groups == ["", "", *["Training step"] * 3, *["Pretraining"] * 2]


def test_the_hours_of_each_recipe_stand_below_a_projection() -> None:
    found = evidence(record("one", [*rows("efficient-small"), *rows("essl"), *rows("hubert-base")]))
    text = plain_text(efficiency_table(found, Layout()), 999)
    assert "recipe (18,000 h for efficient-small and essL; 506,000 h for HuBERT Base)." in text


def test_published_models_have_their_names_and_references_and_data_the_names_of_records() -> None:
    table = efficiency_table(three(), Layout(columns=("rtf",), names={"essl": "Theirs"}))
    text = latex(table)
    assert r"Theirs~\cite{essl}" in text
    assert r"HuBERT Base~\cite{hsu2021hubert}" in text
    assert "efficient-small &" in text
    assert [row["Model"] for row in rows_of(table)] == ["Theirs", "efficient-small", "hubert-base"]


def test_controls_have_rows_of_their_own_when_asked() -> None:
    """They do not change how the others' pretraining is accounted for."""
    found = evidence(record("one", [*trained("essl"), rated("essl"), rated("essl (untrained)"), rated("log-mel")]))
    assert names(efficiency_table(found, Layout())) == ["essl"]
    table = efficiency_table(found, Layout(controls=True))
    assert names(table) == ["essl", "essl (untrained)", "log-mel"]
    assert table.ruled == {1}
    assert "essL (untrained)" in markdown(table)
    assert cell(table, "essl", "Energy").value == 10.8e6


def test_nobody_wins_what_a_study_gave_to_all() -> None:
    whole = record("one", [*trained("essl"), *trained("efficient-small")])
    study = replace(whole, kind="study", details={"study": {"equal": "joules", "budget": 1.0}})
    layout = Layout(columns=("energy", "rtf"), bold=True)
    assert {place for _, place in efficiency_table(evidence(study), layout).best} == {2}
    assert {place for _, place in efficiency_table(evidence(whole), layout).best} == {1, 2}


def test_the_grid_is_named_by_its_country() -> None:
    found = record("one", trained("essl"))
    source = "codecarbon 3.3.2, offline table of national energy mixes (France)"
    grid = {"g_per_kwh": 56.039, "country": "FRA", "year": 2023, "source": source}
    table = efficiency_table(evidence(replace(found, details={"grid": grid, "rounds": []})), Layout())
    assert "CO2e: grid intensity of France in 2023 (56 g/kWh), power usage effectiveness (PUE) 1.\n" in plain_text(
        table, 200
    )


def test_macs_are_a_column_too() -> None:
    macs = Measurement("essl", "macs_per_audio_second", Quantity(2.5e9, "MAC/s", "analytic"), "training", None, ON)
    table = efficiency_table(evidence(record("one", [*rows("essl"), macs])), Layout(columns=("macs",)))
    assert (cell(table, "essl", "Training MACs").value, table.columns[1].unit) == (2.5e9, "GMAC per audio s")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("flops", "rtf", "gpu-hours"), "Cost of a training step and cost of pretraining of 2 models on card"),
        (("rtf", "per"), "Cost of a training step and error rates of 2 models on card"),
        (("parameters",), "Size of 2 models"),
    ],
    ids=["costs", "errors", "size"],
)
def test_the_caption_says_what_was_measured_of_how_many_on_what(columns: tuple[str, ...], words: str) -> None:
    error = Measurement("essl", "per", Quantity(0.3, "1", "measured", (0.2, 0.4)), "evaluation", None, TEST)
    runs = evidence(record("one", [*rows("efficient-small"), *rows("essl"), error]))
    assert efficiency_table(runs, Layout(columns=columns)).caption == words


def test_abbreviations_are_spelled_out_and_means_over_seeds_are_named() -> None:
    """In the notes, at their first use."""
    note = "mean of 1 (seed 0), 2 (seed 1); one device"
    found = [
        Measurement("essl", "per", Quantity(0.3, "1", "measured", (0.2, 0.4)), "evaluation", None, TEST),
        Measurement("essl", "audio_hours_seen", Quantity(2.0, "h", "measured"), "training", None, ON),
        Measurement("essl", "device_hours", Quantity(1.5, "h", "measured", note=note), "training", None, ON),
        Measurement("essl", "energy", Quantity(3.6e6, "J", "measured"), "training", "gpu", ON),
    ]
    text = "\n".join(efficiency_table(evidence(record("one", found)), Layout(account="spent")).notes)
    assert "PER (phone error rate): phone recognition" in text
    assert "target fitting included, mean of 2 seeds." in text


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("max allocated by torch's CUDA allocator", "Peak memory is the most that torch's allocator held on the GPU."),
        (
            "largest of 3 rounds; peak resident set minus that before the model was built",
            "Peak memory is the growth of the process's resident memory from before the model was built.",
        ),
    ],
    ids=["gpu", "cpu"],
)
def test_a_note_says_what_a_peak_is_of(note: str, said: str) -> None:
    held = [
        replace(m, quantity=replace(m.quantity, note=note)) if m.metric == "peak_memory" else m for m in rows("essl")
    ]
    with_memory, without = (
        efficiency_table(evidence(record("one", held)), Layout(columns=columns))
        for columns in (("rtf", "memory"), ("rtf",))
    )
    assert said in with_memory.notes
    assert not [note for note in without.notes if note.startswith("Peak memory is")]
