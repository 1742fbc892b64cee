"""Write docs/pytorch.md: what PyTorch has, what is here of it, and why the rest is not.

python docs/make_pytorch.py           write it
python docs/make_pytorch.py --check   exit with status 1 if it is out of date
python docs/make_pytorch.py --names   write pytorch_names.txt, which it is made from (needs PyTorch)
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from make_reference import NAMES, ROOMS, entries, pytorch_names, unlike

PAGE = Path(__file__).with_name("pytorch.md")
TEXT = Path(__file__).with_name("pytorch_text.md")

# Why names of PyTorch are not here: patterns of names, with * for any letters, and of whole names
# with the room in front where there is a dot. The first reason that fits counts.
ABSENT = {
    "names that PyTorch itself has removed or tells not to use": """
        clip_grad_norm Container NLLLoss2d CrossMapLRN2d reinforce volatile storage_type lstsq
        torch.solve torch.eig torch.symeig torch.matrix_rank torch.Tensor.solve torch.Tensor.eig
        torch.Tensor.symeig torch.nn.init.* legacy_contiguous_format is_distributed
    """,
    "complex numbers": """
        *[cC]omplex* chalf cfloat cdouble imag polar view_as_real* stft istft
        torch.linalg.eig torch.linalg.eigvals
    """,
    "sparse, nested and masked tensors": """
        *sparse* *Sparse* *ccol_indices* *crow_indices* *col_indices* *row_indices* indices*
        values* *coalesce* dense_dim hspmm smm saddmm spmm sspaddmm hsmm dsmm jagged is_nested
        to_padded_tensor
    """,
    "quantised numbers": """
        *quant* q_* qscheme qint* quint* QInt* QUInt* int_repr per_channel_* per_tensor_* fbgemm_*
        choose_qparams*
    """,
    "types of elements other than float16 to float64, int8 to int64, uint8 and bool": """
        bfloat16 BFloat16* float4_* float8_* bit bits* int[1-7] uint[1-7] uint16 uint32 uint64
    """,
    "layers and functions of volumes, which have three dimensions": "*3d *3d_with_indices",
    "layers that find their sizes at the first call; here they are written down": """
        Lazy* Uninitialized*
    """,
    "other devices, and several at once": """
        *autocast* cudnn_* miopen_* mkldnn_* is_mkldnn to_mkldnn is_vulkan* ipu xpu mtia is_ipu
        is_maia is_mtia is_xla Stream Event StreamObjType DeviceObjType AcceleratorError
        OutOfMemoryError get_device_module record_stream DataParallel SyncBatchNorm
        DistributedSampler convert_conv*_memory_format prepare_multiprocessing_environment
        torch.fork torch.wait torch.Future grouped_mm scaled_* ScalingType SwizzleType
    """,
    "PyTorch's compilers, their types and functions for them": """
        *Script* Sym* sym_* *Type CallStack Capsule CompilationUnit *Argument* ExecutionPlan
        FileCheck FunctionSchema Graph* Node Block Code Use Value Gradient Tag IODescriptor
        ErrorReport AliasDb DispatchKey* ExcludeDispatchKeyGuard OperatorInfo *Benchmark*
        StaticModule Tracing* *Logger* JITException ConcreteModule* AVG SUM DeepCopyMemoTable
        PyTorchFile* *StorageContext PRIVATE_OPS USE_* FatalError BufferDict ModuleDict
        ParameterDict parse_* import_ir_* merge_type_* unify_type_list classproperty
        thread_safe_generator torch.cond while_loop functionalize rearrange debug_unwrap Type
        torch.Tensor.index profiler_allow_* AggregationType get_file_path boolean_dispatch
        BroadcastingList* *has_torch_function* handle_torch_function assert_int_or_pair
        DisableTorchFunction* Optional torch.nn.functional.Tensor GRID_SAMPLE_*
        *_notes factory_kwargs as_subclass module_load swap_in_optimizer_params_and_state
    """,
    "copies of views, for those compilers": "*_copy slice_inverse",
    "storage: a tensor's memory is a NumPy array": """
        *Storage* is_storage const_data_ptr resize_as_
    """,
    "pipes of data, which PyTorch is giving up": """
        *DataPipe* DataChunk argument_validation functional_datapipe
        guaranteed_datapipes_determinism non_deterministic runtime_validation*
    """,
    "dimensions with names": "torch.Tensor.name",
    "settings of PyTorch's machinery": """
        *anomaly* *deterministic* *warn_always* set_flush_denormal has_* compiled_with_*
        init_num_threads set_multithreading_enabled enforce_grad_layout_policy NestedIOFunction
        output_nr grad_dtype default_generator
    """,
    "undocumented forms in the root of what is in nn.functional and linalg": """
        affine_grid_generator batch_norm* binary_cross_entropy_with_logits conv_tbc convolution
        cosine_embedding_loss ctc_loss dropout_ alpha_dropout_ feature_dropout*
        feature_alpha_dropout* embedding* grid_sampler* hinge_embedding_loss instance_norm kl_div
        margin_ranking_loss native_* poisson_nll_loss frobenius_norm nuclear_norm
        triplet_margin_loss torch.adaptive_max_pool1d
    """,
    "the kernels behind recurrent layers": "gru* lstm* rnn_relu* rnn_tanh*",
    "LAPACK's functions that NumPy does not give out": """
        geqrf orgqr ormqr householder_product ldl_* lobpcg
    """,
}


def find(room: str) -> Any:
    """Our room for one of PyTorch's; None if there is none."""
    if room == "torch.Tensor":
        return importlib.import_module("tinygrad_edu").Tensor
    try:
        return importlib.import_module(room.replace("torch", "tinygrad_edu", 1))
    except ModuleNotFoundError:
        return None


def reason(room: str, name: str) -> str:
    """Why it is not here."""
    for why, patterns in ABSENT.items():
        for pattern in patterns.split():
            if fnmatchcase(f"{room}.{name}" if "." in pattern else name, pattern):
                return why
    return "not written"


def patterns() -> list[str]:
    """All patterns of ABSENT."""
    return [pattern for each in ABSENT.values() for pattern in each.split()]


def matches(pattern: str) -> bool:
    """Whether a name that is not here fits a pattern."""
    for room, groups in missing().items():
        for name in [each for names in groups.values() for each in names]:
            if fnmatchcase(f"{room}.{name}" if "." in pattern else name, pattern):
                return True
    return False


@cache
def missing() -> dict[str, dict[str, list[str]]]:
    """The names that are not here, by room and by reason."""
    found: dict[str, dict[str, list[str]]] = {}
    for room, names in pytorch_names().items():
        ours = find(room)
        for name in names:
            if ours is None or not hasattr(ours, name):
                found.setdefault(room, {}).setdefault(reason(room, name), []).append(name)
    return found


def coverage() -> str:
    """A table: names of PyTorch, and how many of them are here."""
    absent = missing()
    rows = ["| module | names in PyTorch | here |", "| --- | ---: | ---: |"]
    for room, names in pytorch_names().items():
        lacking = sum(len(each) for each in absent.get(room, {}).values())
        rows.append(f"| `{room}` | {len(names)} | {len(names) - lacking} |")
    return "\n".join(rows)


def absences() -> str:
    """The names that are not here, by reason."""
    reasons: dict[str, list[str]] = {}
    for room, groups in missing().items():
        for why, names in groups.items():
            prefix = room.removeprefix("torch").removeprefix(".")
            reasons.setdefault(why, []).extend(f"{prefix}.{n}" if prefix else n for n in names)
    order = [why for why in (*ABSENT, "not written") if why in reasons]
    return "\n\n".join(
        f"**{why[0].upper()}{why[1:]}** ({len(reasons[why])}):\n"
        + textwrap.fill(", ".join(f"`{n}`" for n in reasons[why]), 120, break_on_hyphens=False)
        for why in order
    )


def differences() -> str:
    """What the docstrings say of differences, name by name."""
    rows = ["| name | unlike in PyTorch |", "| --- | --- |"]
    for room in ROOMS:
        for name, member in entries(room).items():
            difference = unlike(member)
            if difference:
                short = room.replace("tinygrad_edu", "tg", 1)
                rows.append(f"| `{short}.{name}` | {difference} |")
    return "\n".join(dict.fromkeys(rows))


def page() -> str:
    """The whole page: the text, with the generated parts in their places."""
    text = TEXT.read_text(encoding="utf-8")
    for mark, part in (
        ("coverage", coverage),
        ("differences", differences),
        ("absences", absences),
    ):
        text = text.replace(f"<!-- {mark} -->", part())
    return text


def recorded() -> str:
    """PyTorch's public names: functions, classes, types and constants, but no modules."""
    torch = importlib.import_module("torch")
    rooms = ["", ".Tensor", ".autograd", ".autograd.functional", ".func", ".linalg", ".special"]
    rooms += [f".nn{room}" for room in ("", ".functional", ".init", ".utils", ".utils.rnn")]
    rooms += [".nn.utils.parametrizations", ".nn.utils.parametrize", ".optim"]
    rooms += [".optim.lr_scheduler", ".utils.data"]
    lines = []
    for room in rooms:
        home = torch.Tensor if room == ".Tensor" else importlib.import_module(f"torch{room}")
        listed = dir(home) if room in ("", ".Tensor") else getattr(home, "__all__", dir(home))
        names = [n for n in listed if not n.startswith("_") and is_public(getattr(home, n, None))]
        lines.append(f"torch{room}: {' '.join(sorted(names))}\n")
    return "".join(lines)


def is_public(value: Any) -> bool:
    """Whether it is no module and comes from PyTorch."""
    if isinstance(value, ModuleType):
        return False
    home = getattr(value, "__module__", None) or "torch"
    return not inspect.isclass(value) or home.split(".")[0] == "torch"


def main() -> int:
    """Write the page, compare it, or record PyTorch's names."""
    arguments = sys.argv[1:]
    if arguments == ["--names"]:
        NAMES.write_text(recorded(), encoding="utf-8")
        return 0
    text = page()
    if arguments == ["--check"]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text)
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.name}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
