"""The course's convolutional networks: sizes, names, shapes, gradients everywhere."""

import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.course.models import (
    VGG,
    AlexNet,
    GoogLeNet,
    LeNet,
    ResNet,
    SEResNet,
    SimpleConvNet,
    ZFNet,
)
from tinygrad_edu.course.models.resnet import BasicBlock
from tinygrad_edu.course.models.se_resnet import SqueezeExcitation

EIGHTH = {"num_classes": 10, "in_channels": 1, "width": 1 / 8}


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


# VGG-16, AlexNet and ZFNet are counted in test_course_convolution.py, by the experiment itself.
@pytest.mark.parametrize(
    ("build", "count"),
    [
        (LeNet, 61_706),
        (SimpleConvNet, 433_890),
        (lambda: GoogLeNet(aux_logits=False), 6_624_904),
        (GoogLeNet, 13_004_888),
        (lambda: ResNet(18), 11_689_512),
        (lambda: ResNet(34), 21_797_672),
        (lambda: ResNet(50), 25_557_032),
        (lambda: SEResNet(18), 11_778_592),
        (lambda: SEResNet(50), 28_088_024),
    ],
)
def test_networks_have_as_many_parameters_as_their_papers_and_torchvision_say(build, count):
    assert size(build()) == count


# Names and numbers of the entries of torchvision's state_dicts.
@pytest.mark.parametrize(
    ("build", "count", "names"),
    [
        (
            lambda: AlexNet(**EIGHTH),
            16,
            ["features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"],
        ),
        (
            lambda: VGG(16, **EIGHTH),
            32,
            ["features.0.weight", "features.28.bias", "classifier.0.weight", "classifier.6.bias"],
        ),
        (lambda: VGG(11, **EIGHTH), 22, ["features.18.weight"]),
        (lambda: VGG(13, **EIGHTH), 26, ["features.22.weight"]),
        (lambda: VGG(19, **EIGHTH), 38, ["features.34.weight"]),
        (
            lambda: VGG(16, batch_norm=True, **EIGHTH),
            97,
            ["features.0.weight", "features.1.running_var", "features.41.num_batches_tracked"],
        ),
        (
            lambda: GoogLeNet(aux_logits=False, **EIGHTH),
            344,
            [
                "conv1.conv.weight",
                "conv3.bn.running_mean",
                "inception3a.branch1.conv.weight",
                "inception4e.branch2.1.bn.weight",
                "inception5b.branch4.1.conv.weight",
                "fc.bias",
            ],
        ),
        (
            lambda: GoogLeNet(**EIGHTH),
            364,
            ["aux1.conv.conv.weight", "aux1.fc1.weight", "aux2.fc2.bias"],
        ),
        (
            lambda: ResNet(18, **EIGHTH),
            122,
            ["conv1.weight", "bn1.bias", "layer2.0.downsample.1.running_mean", "fc.weight"],
        ),
        (lambda: ResNet(34, **EIGHTH), 218, ["layer3.5.bn2.weight"]),
        (
            lambda: ResNet(50, **EIGHTH),
            320,
            ["layer1.0.downsample.0.weight", "layer3.5.conv3.weight", "layer4.2.bn3.bias"],
        ),
        (lambda: ResNet(101, **EIGHTH), 626, ["layer3.22.bn3.weight"]),
        (lambda: ResNet(152, **EIGHTH), 932, ["layer2.7.bn3.weight", "layer3.35.bn3.weight"]),
    ],
)
def test_the_entries_of_a_state_dict_are_named_as_torchvisions(build, count, names):
    keys = list(build().state_dict())
    assert len(keys) == count
    assert set(names) <= set(keys)


def test_shapes_of_weights_are_torchvisions():
    state = ResNet(50).state_dict()
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer1.0.conv1.weight"].shape == (64, 64, 1, 1)
    assert state["layer2.0.conv2.weight"].shape == (128, 128, 3, 3)
    assert state["layer2.0.downsample.0.weight"].shape == (512, 256, 1, 1)
    assert state["fc.weight"].shape == (1000, 2048)


NETWORKS = [
    (LeNet, 28),
    (SimpleConvNet, 28),
    (lambda: AlexNet(**EIGHTH), 63),
    (lambda: ZFNet(**EIGHTH), 53),
    (lambda: VGG(11, **EIGHTH), 32),
    (lambda: VGG(11, batch_norm=True, **EIGHTH), 32),
    (lambda: GoogLeNet(**EIGHTH), 32),
    (lambda: ResNet(18, **EIGHTH), 32),
    (lambda: ResNet(50, **EIGHTH), 32),
    (lambda: SEResNet(18, **EIGHTH), 32),
    (lambda: SEResNet(50, **EIGHTH), 32),
]
IDS = ["LeNet", "SimpleConvNet", "AlexNet", "ZFNet", "VGG", "VGG with batch norm"]
IDS += ["GoogLeNet", "ResNet-18", "ResNet-50", "SE-ResNet-18", "SE-ResNet-50"]


@pytest.mark.parametrize(("build", "side"), NETWORKS, ids=IDS)
def test_images_become_logits_and_the_gradient_reaches_every_parameter(build, side):
    model = build()
    outputs = model(tg.rand(4, 1, side, side))
    results = outputs if isinstance(outputs, tuple) else (outputs,)
    assert [each.shape for each in results] == [(4, 10)] * len(results)
    F.cross_entropy(tg.cat(results), tg.arange(4 * len(results)) % 10).backward()
    missing = [name for name, each in model.named_parameters() if each.grad is None]
    assert missing == []


@pytest.mark.parametrize(("build", "side"), NETWORKS, ids=IDS)
def test_evaluation_gives_each_image_its_result_whatever_else_is_in_the_batch(build, side):
    model = build().eval()
    images = tg.rand(3, 1, side, side)
    with tg.inference_mode():
        together, alone = model(images), model(images[:1])
    assert tg.allclose(together[:1], alone, rtol=1e-4, atol=1e-5)


def test_googlenet_gives_the_auxiliary_logits_in_training_only():
    model = GoogLeNet(**EIGHTH)
    images = tg.rand(2, 1, 32, 32)
    assert model(images)._fields == ("logits", "aux_logits2", "aux_logits1")
    assert model.eval()(images).shape == (2, 10)
    without = GoogLeNet(aux_logits=False, **EIGHTH)
    assert without.aux1 is None
    assert without(images).shape == (2, 10)


def test_googlenet_can_take_images_normalised_for_other_models():
    plain = GoogLeNet(aux_logits=False, num_classes=10, width=1 / 8).eval()
    other = GoogLeNet(aux_logits=False, num_classes=10, width=1 / 8, transform_input=True).eval()
    other.load_state_dict(plain.state_dict())
    image = tg.rand(1, 3, 32, 32)
    mean = tg.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
    deviation = tg.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)
    with tg.no_grad():
        assert tg.allclose(other((image - mean) / deviation), plain((image - 0.5) / 0.5), atol=1e-5)


def test_googlenet_begins_with_weights_of_deviation_a_hundredth():
    weights = GoogLeNet(aux_logits=False, width=1 / 4).inception5b.branch2[1].conv.weight
    assert weights.std().item() == pytest.approx(0.01, rel=0.05)


def test_vgg_begins_with_the_weights_of_its_paper_on_request():
    model = VGG(11, **EIGHTH)
    convolution, affine = model.features[8], model.classifier[0]
    deviation = (2 / (convolution.out_channels * 9)) ** 0.5
    assert convolution.weight.std().item() == pytest.approx(deviation, rel=0.1)
    assert affine.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not any(each.any() for name, each in model.named_parameters() if name.endswith("bias"))
    assert VGG(11, init_weights=False, **EIGHTH).classifier[0].bias.any()


def test_a_residual_block_with_a_zeroed_normalisation_is_the_identity_for_positive_input():
    for depth in (18, 50):
        model = ResNet(depth, zero_init_residual=True, **EIGHTH).eval()
        block = model.layer1[1]
        x = tg.rand(2, block.conv1.in_channels, 6, 6)
        assert tg.equal(block(x), x)
    assert ResNet(18, **EIGHTH).layer1[1].bn2.weight.all()


def test_the_gradient_passes_a_residual_block_without_loss():
    block = BasicBlock(4, 4)
    nn.init.zeros_(block.bn2.weight)
    x = (tg.rand(2, 4, 5, 5) + 0.1).requires_grad_()
    block(x).sum().backward()
    assert tg.equal(x.grad, tg.ones_like(x))


def test_squeeze_and_excitation_multiplies_each_channel_by_one_factor_between_0_and_1():
    x = tg.rand(2, 32, 5, 5) + 0.1
    with tg.no_grad():
        factors = SqueezeExcitation(32, 2)(x) / x
    assert tg.allclose(factors, factors[:, :, :1, :1].expand(2, 32, 5, 5), rtol=1e-4)
    assert 0 < factors.min().item() < factors.max().item() < 1


def test_se_resnet_is_resnet_when_its_factors_are_1():
    plain, weighed = ResNet(18, **EIGHTH).eval(), SEResNet(18, **EIGHTH).eval()
    keys = weighed.load_state_dict(plain.state_dict(), strict=False)
    assert keys.unexpected_keys == []
    assert all(".se.fc" in key for key in keys.missing_keys)
    for module in weighed.modules():
        if isinstance(module, SqueezeExcitation):
            nn.init.zeros_(module.fc2.weight)
            nn.init.constant_(module.fc2.bias, 30.0)
    images = tg.rand(2, 1, 32, 32)
    with tg.no_grad():
        assert tg.allclose(weighed(images), plain(images), atol=1e-5)


def test_simple_convnet_takes_the_options_of_the_course():
    conv = {"filter_num": 6, "filter_size": 3, "pad": 1, "stride": 2}
    model = SimpleConvNet((3, 9, 9), conv, hidden_size=7, output_size=4, weight_init_std=0.5)
    assert model(tg.rand(2, 3, 9, 9)).shape == (2, 4)
    assert model.conv1.weight.shape == (6, 3, 3, 3)
    assert model.affine1.weight.shape == (7, 6 * 2 * 2)
    assert model.affine1.weight.std().item() == pytest.approx(0.5, rel=0.2)
    assert not model.conv1.bias.any()
    assert [name for name, _ in model.named_children()] == [
        "conv1",
        "relu1",
        "pool1",
        "flatten",
        "affine1",
        "relu2",
        "affine2",
    ]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ResNet(20), "ResNet has a depth of 18, 34, 50, 101, 152; got 20"),
        (lambda: SEResNet(20), "SEResNet has a depth of 18"),
        (lambda: VGG(12), "VGG has a depth of 11, 13, 16, 19; got 12"),
        (lambda: AlexNet(width=0), "width is a positive factor of the channels; got 0"),
        (
            lambda: SimpleConvNet(conv_param={"filters": 3}),
            "conv_param has filter_num, .* got filters",
        ),
        (lambda: SimpleConvNet((1, 5, 5)), "5×5 makes 1×1 of images of 5×5"),
    ],
)
def test_wrong_arguments_are_explained(build, message):
    with pytest.raises(ValueError, match=message):
        build()
