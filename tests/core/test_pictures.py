"""Pictures people bring: opened upright, or refused in one sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from core.pictures import open_image, picture_in, thumbnail
from core.types import TillerError


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_the_usual_formats_open_in_rgb(picture, kind, tmp_path):
    (tmp_path / "picture").write_bytes(encoded(picture, kind))
    for source in (encoded(picture, kind), tmp_path / "picture", str(tmp_path / "picture")):
        opened = open_image(source)
        assert (opened.mode, opened.size) == ("RGB", (60, 48))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(picture, mode):
    assert open_image(picture.convert(mode)).mode == "RGB"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_greys(kind):
    greys = np.array([[0, 256, 32768, 65535]], dtype=np.uint16)
    opened = open_image(encoded(Image.fromarray(greys), kind))
    assert [opened.getpixel((x, 0)) for x in range(4)] == [(0, 0, 0), (1, 1, 1), (128, 128, 128), (255, 255, 255)]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_without_a_known_white_are_refused(dtype):
    with pytest.raises(TillerError, match="save it with 8 or 16 bits"):
        open_image(encoded(Image.fromarray(np.ones((4, 4), dtype)), "TIFF"))


def test_a_picture_is_turned_as_its_exif_says():
    lying = Image.new("RGB", (40, 20))
    lying.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    opened = open_image(encoded(lying, "PNG", exif=exif))
    assert opened.size == (20, 40)
    assert opened.getpixel((19, 0)) == (255, 255, 255)


def test_the_picture_given_is_not_changed(picture):
    before = np.asarray(picture).copy()
    open_image(picture)
    assert np.array_equal(np.asarray(picture), before)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"not a picture at all", "not a picture that can be read"),
        (b"", "not a picture that can be read"),
        (png_header(10_000, 10_000), "at most 50 million"),
        (png_header(8_000, 8_000), "64 million pixels"),
        (png_header(30_000, 30_000), "at most 50 million"),
        (png_header(1, 40_000), "crop it"),
        (png_header(200, 200), "cut short or damaged"),
        ("nowhere/at/all.png", "no such file"),
    ],
    ids=["text", "empty", "100 megapixel", "64 megapixel", "900 megapixel", "thread", "hollow", "missing"],
)
def test_what_is_no_whole_picture_is_refused_in_one_sentence(source, said):
    with pytest.raises(TillerError, match=said) as refused:
        open_image(source)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_truncated_picture_is_refused(kind, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    whole = encoded(noise, kind)
    with pytest.raises(TillerError):
        open_image(whole[: int(len(whole) * share)])


def test_a_hundred_megapixels_get_one_sentence_and_no_warning_beside_it(tmp_path):
    (tmp_path / "huge.png").write_bytes(png_header(10_000, 10_000))
    code = "import sys; from core.pictures import open_image; open_image(sys.argv[1])"
    words = [sys.executable, "-c", code, tmp_path / "huge.png"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert "100 million pixels; at most 50 million are read" in done.stderr
    assert "Warning" not in done.stderr


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(TillerError, match="that is a folder"):
        open_image(tmp_path)


def test_the_models_preprocessing_is_open_clips_own(tiny_model, picture):
    expected = tiny_model.preprocess(picture)
    got = tiny_model.pixels(encoded(picture, "PNG"))
    assert got.shape == (1, 3, 32, 32)
    assert np.array_equal(got[0].numpy(), expected.numpy())


def test_a_large_photo_becomes_a_small_picture_and_a_small_one_stays(tmp_path, picture):
    large = picture.resize((3000, 2400))
    large.save(tmp_path / "large.jpg", quality=95)
    small = thumbnail(tmp_path / "large.jpg", 448)
    assert small.size == (448, 358)
    due = np.asarray(large.resize((448, 358), Image.Resampling.LANCZOS), float)
    assert np.abs(np.asarray(small, float) - due).mean() < 2
    picture.save(tmp_path / "small.png")
    assert thumbnail(tmp_path / "small.png", 448).tobytes() == picture.tobytes()


def test_a_thumbnail_stands_upright_and_keeps_the_limits(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.resize((900, 600)).save(tmp_path / "lying.jpg", exif=exif)
    assert thumbnail(tmp_path / "lying.jpg", 300).size == (200, 300)
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(TillerError, match="at most 50 million"):
        thumbnail(tmp_path / "bomb.png", 96)
    with pytest.raises(TillerError, match="no such file"):
        thumbnail(tmp_path / "none.png", 96)


@pytest.mark.parametrize(
    "name", ["../secret.png", "a/../../secret.png", "/etc/hostname", "link.png", "folder/secret.png"]
)
def test_a_name_never_leads_out_of_its_folder(tmp_path, picture, name):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    picture.save(outside / "secret.png")
    picture.save(inside / "own.png")
    (inside / "link.png").symlink_to(outside / "secret.png")
    (inside / "folder").symlink_to(outside)
    assert picture_in(inside, "own.png").is_file()
    with pytest.raises(TillerError, match="lies outside"):
        picture_in(inside, name)
