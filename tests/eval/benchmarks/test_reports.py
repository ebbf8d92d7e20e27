from eval.benchmarks.reports import bench_reports


def test_the_benchmark_measures_a_report_in_a_process_of_its_own() -> None:
    found = bench_reports(systems=3, queries=40)
    assert found["judgments"] == 4_000
    assert found["lines of runs"] == 12_000
    assert isinstance(found["peak_gb"], float)
    assert 0 < found["peak_gb"] < 2
    assert found["megabytes"].keys() == {"json", "html", "md"}  # type: ignore[attr-defined]
