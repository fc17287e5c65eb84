"""The registered data sets of images."""

from functools import partial

from keras_seq.data.image_conversions import omniglot_images, omniglot_runs
from keras_seq.data.registry import DataFile, github_file, register_files

# Of this commit we know no more than twelve digits. The archives were not seen, but programs that read them by these
# names. The SHA-256 is of files that zlib has compressed; another library in its place packs the same arrays otherwise.
_OMNIGLOT = "057f034baf2e"

_register = partial(register_files, task="images", language="zxx")
_register(
    "omniglot",
    "Handwritten characters of 50 alphabets, each by 20 people: 32,460 drawings, and 20 runs of 20-way one-shot trials",
    {
        name: DataFile((github_file("brendenlake/omniglot", _OMNIGLOT, f"python/{upstream}"),), sha256, convert)
        for name, upstream, sha256, convert in (
            (
                "background.npz",
                "images_background.zip",
                "c0293086db5c214b4a785f20eb37539651be1d3613998105f58c8356491fe654",
                omniglot_images,
            ),
            (
                "evaluation.npz",
                "images_evaluation.zip",
                "6eb9687a8f514d6a940300f7fed428d89d2ddeee9f73e8920cf1e8a1ee587ca0",
                omniglot_images,
            ),
            (
                "oneshot_runs.npz",
                "one-shot-classification/all_runs.zip",
                "d01f3dc8c84268cfe3296253223c68f9d25468cd0b553581a22e3e534abf6ac8",
                omniglot_runs,
            ),
        )
    },
    licence="MIT",
    citation="Lake, Salakhutdinov and Tenenbaum, Human-level concept learning ..., Science 350, 2015",
)
