"""What scripts set once: devices, threads, backends, mixed precision."""

import sys

import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim


def test_the_default_device_is_the_cpu():
    tg.set_default_device("cpu")
    tg.set_default_device(None)
    assert tg.get_default_device() == tg.device("cpu")
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        tg.set_default_device("cuda")
    with tg.device("cpu") as device:
        assert tg.ones(1).device == device


def test_there_is_no_accelerator():
    assert not tg.accelerator.is_available()
    assert tg.accelerator.current_accelerator() is None
    assert tg.accelerator.device_count() == 0
    tg.accelerator.synchronize()
    tg.accelerator.empty_cache()


def test_threads_are_set_through_threadpoolctl():
    pytest.importorskip("threadpoolctl")
    before = tg.get_num_threads()
    tg.set_num_threads(1)
    assert tg.get_num_threads() == 1
    tg.set_num_threads(before)


def test_threads_without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert tg.get_num_threads() >= 1
    with pytest.warns(UserWarning, match="OPENBLAS_NUM_THREADS"):
        tg.set_num_threads(1)


def test_numbers_of_threads_are_positive():
    for function in (tg.set_num_threads, tg.set_num_interop_threads):
        with pytest.raises(RuntimeError, match="a positive number is needed; got 0"):
            function(0)
    tg.set_num_interop_threads(2)
    assert tg.get_num_interop_threads() == 1


def test_everything_is_deterministic_and_exact():
    tg.use_deterministic_algorithms(True, warn_only=True)
    assert tg.are_deterministic_algorithms_enabled()
    tg.set_float32_matmul_precision("medium")
    assert tg.get_float32_matmul_precision() == "highest"
    with pytest.raises(RuntimeError, match="got 'low'"):
        tg.set_float32_matmul_precision("low")


def test_backends_can_be_asked_and_set():
    from tinygrad_edu.backends import cudnn

    assert tg.backends.cudnn is cudnn
    for name in ("cudnn", "mkl", "mkldnn", "mps", "openmp"):
        assert getattr(tg.backends, name).is_available() is False
    assert not tg.backends.mps.is_built()
    assert not tg.backends.cuda.is_built()
    assert cudnn.version() is None
    before = cudnn.benchmark
    cudnn.benchmark = True
    cudnn.benchmark = before
    tg.backends.cuda.matmul.allow_tf32 = True
    assert tg.backends.cuda.matmul.allow_tf32


def test_cuda_has_nothing():
    assert not tg.cuda.is_initialized()
    assert not tg.cuda.is_bf16_supported()
    assert tg.cuda.memory_allocated() == tg.cuda.max_memory_allocated("cuda") == 0
    tg.cuda.reset_peak_memory_stats()
    tg.cuda.seed_all()
    for call in (tg.cuda.current_device, tg.cuda.get_device_name, lambda: tg.cuda.set_device(0)):
        with pytest.raises(RuntimeError, match="no CUDA device"):
            call()


# Mixed precision.


def test_autocast_switched_off_is_a_block_and_a_decorator():
    with tg.autocast("cpu", enabled=False):
        assert tg.ones(1).dtype == tg.float32
    with tg.amp.autocast("cuda", dtype=tg.float16, enabled=False):
        pass

    @tg.cuda.amp.autocast(enabled=False)
    def double(x):
        return 2 * x

    assert double(3) == 6
    assert double.__name__ == "double"
    assert not tg.is_autocast_enabled("cpu")
    assert not tg.amp.is_autocast_available("cpu")


def test_autocast_on_cuda_warns_and_on_the_cpu_is_refused():
    with pytest.warns(UserWarning, match="no such device; disabling"):
        tg.autocast("cuda")
    with pytest.raises(RuntimeError, match="pass enabled=False"):
        tg.autocast("cpu")


def test_a_scaler_passes_losses_and_steps_on():
    with pytest.warns(UserWarning, match="GradScaler.*disabling"):
        scaler = tg.amp.GradScaler()
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = model.bias.item()
    scaler.scale(model(tg.ones(1, 1)).sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert model.bias.item() == pytest.approx(before - 0.1)
    assert scaler.get_scale() == 1
    assert not scaler.is_enabled()
    assert scaler.state_dict() == {}
    scaler.load_state_dict({})
