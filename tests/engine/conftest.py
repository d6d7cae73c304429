import pytest


@pytest.fixture(scope="session")
def client():
    """A cluster of two worker processes with one thread and 600 MB each."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            memory_limit="600MB",
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        # what every test needs is imported once, by both at the same time
        client.run(_warm_up)
        yield client


@pytest.fixture(scope="session")
def ray_workers():
    """Ray with two worker processes, registered with joblib; not in any extra."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def _warm_up():
    import overlapkit

    return overlapkit.__version__
