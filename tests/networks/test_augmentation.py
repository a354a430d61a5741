"""Augmentation by name: what it does to signals, labels and weights of batches."""

import mne
import numpy as np
import pytest
import torch
from planted import CHANNELS, planted_epochs

from mne_cnnclass import CNNClassifier, EpochsView, list_augmentations, load_classifier
from mne_cnnclass.networks.mirror import swapped_classes
from mne_cnnclass.networks.training import transforms
from mne_cnnclass.networks.training.augment import augment, make_transforms, own_copies
from mne_cnnclass.networks.training.batches import SampleDataset
from mne_cnnclass.networks.training.net import weighted_losses
from mne_cnnclass.samples.blocks import channel_positions

NAMES = list_augmentations().index.tolist()
SHAPE = (16, 5, 100)


@pytest.fixture(scope="module")
def view():
    return EpochsView(planted_epochs(ch_names=("C3", "Cz", "C4")))


def quick(**params):
    return CNNClassifier(**dict(model="MultiScaleCNN", max_epochs=2, random_state=0, n_threads=1) | params)


def problem(classes=("left", "right"), ch_names=CHANNELS):
    epochs = planted_epochs(2, ch_names=ch_names)
    return dict(n_times=100, sfreq=100.0, chs_info=channel_positions(EpochsView(epochs)), classes=classes)


def batch(seed=0):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32))
    return {"x": x, "weight": torch.ones(len(x))}, torch.arange(len(x)) % 2


@pytest.mark.parametrize("name", NAMES)
def test_a_name_trains_and_the_same_seed_gives_the_same_bits(view, name):
    first, again = (quick(augmentation=[name]).fit(view).predict_proba(view) for _ in range(2))
    plain = quick().fit(view).predict_proba(view)
    assert (first == again).all()
    assert (first != plain).any()
    assert (first != quick(augmentation=name, random_state=1).fit(view).predict_proba(view)).any()


def test_predictions_and_validation_are_not_augmented(view):
    """Samples without a signal teach nothing of it, and yet predictions are those of samples with one."""
    seen = []

    def blank(x, y):
        seen.append(len(x))
        return 0 * x, y

    clf = quick(validation_fraction=0.25, augmentation=["sign_flip", blank]).fit(view)
    n_calls = len(seen)
    assert sum(seen) == 2 * 36  # the training part, once an epoch
    assert np.ptp(clf.predict_proba(view)[:, 0]) > 0
    assert len(seen) == n_calls


def test_a_fit_leaves_global_random_states_alone(view):
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    quick(augmentation=NAMES).fit(view)
    assert (np.random.get_state()[1] == before[0]).all()
    assert (torch.get_rng_state() == before[1]).all()


@pytest.mark.parametrize("name", ["frequency_shift", "ft_surrogate", "mixup", "smooth_time_mask"])
def test_faster_forms_are_those_of_braindecode(name):
    from braindecode.augmentation import functional

    x, y = batch()[0]["x"], batch()[1]
    if name == "mixup":
        (ours,) = make_transforms([("mixup", {"beta_per_sample": True})], problem())
    else:
        (ours,) = make_transforms([(name, {"probability": 1.0})], problem())
    state = ours.rng.get_state()
    params = ours.get_augmentation_params(x, y)
    got, labels = ours.operation(x, y, **params)
    ours.rng.set_state(state)
    expected, expected_labels = getattr(functional, name)(x, y, **ours.get_augmentation_params(x, y))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(labels, expected_labels)


def test_a_batch_is_changed_as_by_a_call_of_the_transform():
    for name in set(NAMES) - {"gaussian_noise"}:  # which draws by torch
        inputs, y = batch()
        before = inputs["x"].clone()
        (transform,) = own_copies(make_transforms([name], problem()))
        transform.rng = np.random.RandomState(3)
        new, labels = augment(inputs, y, [transform])
        transform.rng = np.random.RandomState(3)
        x, expected = transform(before, y)
        torch.testing.assert_close(new["x"], x, msg=name)
        assert (labels[0] if name == "mixup" else labels).equal(expected[0] if name == "mixup" else expected)


def test_time_shift_moves_and_reflects():
    x = torch.arange(5.0).expand(3, 2, 5)
    moved, _ = transforms.TimeShift.operation(x, None, torch.tensor([0, 2, -1]))
    assert moved[:, 0].tolist() == [[0, 1, 2, 3, 4], [2, 1, 0, 1, 2], [1, 2, 3, 4, 3]]
    assert moved[:, 1].equal(moved[:, 0])


def test_bandstop_takes_out_one_band_and_nothing_else():
    t = torch.arange(1000) / 250.0
    rhythms = torch.stack([torch.sin(2 * np.pi * f * t) for f in (10.0, 20.0)])[None].expand(2, 2, 1000)
    x, _ = transforms.BandstopFilter.operation(rhythms, None, 250.0, 2.0, np.array([10.0, 20.0]))
    torch.testing.assert_close(x[0], torch.stack([0 * rhythms[0, 0], rhythms[0, 1]]), atol=1e-4, rtol=0)
    torch.testing.assert_close(x[1], torch.stack([rhythms[0, 0], 0 * rhythms[0, 1]]), atol=1e-4, rtol=0)


def test_mirror_turns_a_left_rhythm_at_c3_into_a_right_one_at_c4():
    inputs, y = batch()
    before = inputs["x"].clone()
    (mirror,) = make_transforms([("left_right_mirror", {"probability": 1.0})], problem())
    new, labels = augment(inputs, y, [mirror])
    fz, c3, cz, c4, pz = range(5)
    assert new["x"].equal(before[:, [fz, c4, cz, c3, pz]])
    assert labels.equal(1 - y)


def test_mirror_by_places_where_names_tell_nothing():
    known, unknown = problem(), problem(ch_names=("E1", "E2", "E3", "E4", "E5"))
    montage = mne.channels.make_standard_montage("biosemi64").get_positions()["ch_pos"]
    for ch, name in zip(unknown["chs_info"], CHANNELS, strict=True):
        ch["loc"][:3] = montage[name]
    by_name, by_place = (make_transforms(["left_right_mirror"], of)[0] for of in (known, unknown))
    assert by_place.permutation.tolist() == by_name.permutation.tolist() == [0, 3, 2, 1, 4]


def test_mirror_exchanges_classes_by_their_names():
    def swapped(*labels):
        return swapped_classes(np.array(labels))

    assert swapped("feet", "left_hand", "right_hand", "tongue") == [0, 2, 1, 3]
    assert swapped("Left", "Right") == swapped("T1", "T2") == swapped(0, 1) == [1, 0]
    with pytest.raises(ValueError, match=r"\['left_hand'\] of .* have no partner. Say which"):
        swapped("feet", "left_hand")
    with pytest.raises(ValueError, match="names of .'feet', 'hands'. tell no sides. Say which"):
        swapped("feet", "hands")
    with pytest.raises(ValueError, match="tell no sides. Say which"):
        swapped("a", "b", "c")


def test_mirror_of_more_classes_exchanges_those_that_are_given():
    classes = ("feet", "left", "right")
    (mirror,) = make_transforms([("left_right_mirror", {"classes": ["left", "right"]})], problem(classes))
    assert mirror.swapped.tolist() == [0, 2, 1]
    (mirror,) = make_transforms([("left_right_mirror", {"classes": []})], problem(classes))
    assert mirror.swapped.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="classes must be two of"):
        make_transforms([("left_right_mirror", {"classes": ["left", "hand"]})], problem(classes))


def test_a_mirrored_sample_weighs_what_its_new_class_weighs():
    inputs, y = batch()
    class_weight = torch.tensor([3.0, 0.5])
    inputs["weight"] = class_weight[y] * torch.arange(1.0, 17.0)
    (mirror,) = make_transforms(["left_right_mirror"], problem())
    new, labels = augment(inputs, y, [mirror], class_weight=class_weight)
    assert (labels != y).any()
    torch.testing.assert_close(new["weight"], class_weight[labels] * torch.arange(1.0, 17.0))


def test_mixed_samples_bring_their_own_weights():
    """The loss of a pair is that of both samples, each with its label and weight, by their shares."""
    inputs, y = batch()
    inputs["weight"] = torch.rand(len(y)) + 0.5
    (mixup,) = make_transforms([("mixup", {"alpha": 1.0, "beta_per_sample": True})], problem())
    mixup.rng = np.random.RandomState(0)
    inputs["x"] = inputs["x"].double()
    new, mixed = augment(inputs, y, [mixup])
    logits = torch.randn(len(y), 2)
    together = tuple(one[None] for one in mixed), {name: values[None] for name, values in new.items()}
    (loss,) = weighted_losses(logits[None], *together, 0.0)
    log_p, (_, partner, share) = logits.log_softmax(1), mixed
    # who the partners are follows from the signals
    theirs = (new["x"] - share[:, None, None] * inputs["x"]) / (1 - share)[:, None, None]
    other = torch.cdist(theirs.flatten(1), inputs["x"].flatten(1)).argmin(1)
    assert y[other].equal(partner)
    rows, w = torch.arange(len(y)), inputs["weight"]
    expected = -(share * w * log_p[rows, y] + (1 - share) * w[other] * log_p[rows, partner]).mean()
    torch.testing.assert_close(loss, expected)


def test_mixup_comes_last_and_once():
    made = make_transforms(["mixup", "sign_flip", "left_right_mirror"], problem())
    assert [type(one).__name__ for one in made] == ["SignFlip", "LeftRightMirror", "Mixup"]
    with pytest.raises(ValueError, match="one mixup only"):
        make_transforms(["mixup", "mixup"], problem())


@pytest.mark.parametrize("name", NAMES)
def test_summaries_are_those_of_the_changed_signals(name):
    inputs, y = batch()

    def summarize(x):
        return (x * torch.arange(x.shape[2])).sum(2)

    data = SampleDataset(inputs["x"].numpy(), y, inputs["weight"], np.empty((16, 0)))
    data.summarize(summarize)
    new, _ = augment(*data[torch.arange(16)], make_transforms([name], problem()), summarize=summarize)
    torch.testing.assert_close(new["summary"], summarize(new["x"]))
    assert data.others["summary"].equal(summarize(data.data))


@pytest.mark.parametrize("name", ["time_shift", "mixup", "left_right_mirror"])
def test_the_accelerated_network_is_trained_as_the_original(view, name):
    params = dict(model="EEGNet", model_params={"drop_prob": 0.0}, augmentation=name, max_epochs=3)
    fast, plain = (quick(accelerate=a, **params).fit(view).predict_proba(view) for a in (True, False))
    np.testing.assert_allclose(fast, plain, atol=1e-3)


def test_training_accuracy_counts_the_new_labels():
    """About one half if mirrored samples kept their labels."""
    data = planted_epochs(64).get_data()[::2]  # a rhythm at C3 in each
    data[1::2] = data[1::2, [0, 3, 2, 1, 4]]
    epochs = mne.EpochsArray(data, planted_epochs(2).info, verbose=False)
    y = np.resize(["left", "right"], 32)
    clf = quick(max_epochs=15, augmentation=["left_right_mirror"]).fit(epochs, y)
    assert clf.history_["train_accuracy"].iloc[-1] > 0.9


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        ("time_shfit", "There is no augmentation 'time_shfit'; there are amplitude_scale, bandstop"),
        ([("time_shift", {"seconds": 1})], "'time_shift' has the parameters probability, max_shift_samples"),
        ([("channel_dropout", {"probability": 2})], "'channel_dropout': probability should be between"),
        ([("time_shift", {"max_shift_samples": 0})], "must be at least 1"),
    ],
)
def test_names_and_parameters_that_do_not_exist_are_refused(view, augmentation, message):
    with pytest.raises(ValueError, match=message):
        quick(augmentation=augmentation).fit(view)


@pytest.mark.parametrize("augmentation", [3, [("time_shift", 0.1)], [{"time_shift": {}}]])
def test_what_is_no_name_is_refused(view, augmentation):
    with pytest.raises(TypeError, match="must be None, a name, a callable, or a list"):
        quick(augmentation=augmentation).fit(view)


def test_arrays_lack_what_some_need(view):
    X, y = np.asarray(view), view.labels
    with pytest.raises(ValueError, match="'frequency_shift': it needs the sampling frequency"):
        quick(augmentation="frequency_shift").fit(X, y)
    with pytest.raises(ValueError, match="'left_right_mirror': it needs the names of channels"):
        quick(augmentation="left_right_mirror").fit(X, y)
    quick(augmentation=["time_shift", ("bandstop", {"sfreq": 100.0})]).fit(X, y)


def test_channels_without_a_partner_are_named():
    with pytest.raises(ValueError, match=r"partner .* but \['C3'\] have none"):
        make_transforms(["left_right_mirror"], problem(ch_names=("C3", "Cz", "Pz")))
    with pytest.raises(ValueError, match="but .*'E1'.* have none"):  # E1 and E2 of a net are no pair
        make_transforms(["left_right_mirror"], problem(ch_names=("E1", "E2")))


def test_names_are_saved(view, tmp_path):
    augmentation = ["sign_flip", ("channel_dropout", {"p_drop": 0.1})]
    clf = quick(augmentation=augmentation).fit(view)
    clf.save(tmp_path / "a.mcnn")
    loaded = load_classifier(tmp_path / "a.mcnn")
    assert list(map(tuple, loaded.augmentation[1:])) == augmentation[1:]
    assert loaded.augmentation[0] == "sign_flip"
    loaded.set_params(random_state=0, n_threads=1)
    assert (loaded.fit(view).predict_proba(view) == clf.predict_proba(view)).all()
    quick(augmentation=["sign_flip", lambda x, y: (x, y)]).fit(view).save(tmp_path / "b.mcnn")
    assert load_classifier(tmp_path / "b.mcnn").augmentation is None
