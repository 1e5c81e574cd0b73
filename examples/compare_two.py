"""Compare two models in one session: rounds in turn, ratios with intervals, one record."""

from ssl_bench import CompareConfig, compare

MODELS = ("efficient-tiny", "essl-tiny")  # catalogue names, folders of runs, hf:FOLDER, or FILE.py:FUNCTION

if __name__ == "__main__":
    run, record = compare(CompareConfig(models=MODELS, baseline="essl-tiny", clip_seconds=2.0, minutes=0.5, idle=False))
    for phase in ("inference", "training"):
        for model in MODELS:
            speed = record.find("audio_seconds_per_second", phase, model=model)
            if speed is None or speed.value is None:
                print(f"{phase}, {model}: {speed.note if speed else 'not measured'}")
            else:
                print(f"{phase}, {model}: {speed.value:.0f} × real time {speed.ci95} {speed.flaw}")
    for each in record.details["ratios"]:
        # Paired by round, so that a machine that drifts from round to round does not widen them.
        ratio = each["ratio"]
        times = ratio["note"] if ratio["value"] is None else f"{ratio['value']:.3g} times essl-tiny {ratio['ci95']}"
        print(f"{each['phase']}, {each['metric']}: {times} {ratio['method']}")
    print(run.path)
