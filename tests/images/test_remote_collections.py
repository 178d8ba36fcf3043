"""Load folders and tables behind URLs."""

import pytest

from twoflow import load_folder, load_table, make_shop
from twoflow.images import read_image
from twoflow.images.passed_over import PassedOver
from twoflow.images.remote import RemoteError

from .hostile import JPEG


def test_remote_and_local_folders_give_the_same_collection(memory, tmp_path):
    names = ["b.x/boot/b.JPG", "b/boot/a.png", "b/clog/deeper/c.webp", "b/clog/notes.txt", ".hidden/b/d.jpg",
             "b/boot/._a.jpg", "__MACOSX/b/e.jpg", "labels.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not read")
        memory.pipe(f"/shop/{name}", b"not read")
    for levels in (None, 1):
        here = load_folder(tmp_path, levels)
        for root in ("memory://shop", "memory:///shop/"):
            there = load_folder(root, levels)
            assert there.paths == [path.replace(str(tmp_path), root.rstrip("/")) for path in here.paths]
            assert there.labels.tolist() == here.labels.tolist() and there.columns.keys() == here.columns.keys()
            assert there.notes == here.notes and there.passed_over == tuple(
                PassedOver(each.reason, tuple(path.replace(str(tmp_path), root.rstrip("/")) for path in each.paths))
                for each in here.passed_over
            )
        assert load_folder(f"file://{tmp_path}", levels).paths == here.paths
    memory.pipe("/a.jpg", b"")
    with pytest.raises(ValueError, match="^memory://a.jpg is in no class folder; expected memory://"):
        load_folder("memory://")


def test_bad_remote_folders(memory, site, tmp_path):
    with pytest.raises(NotADirectoryError, match="^expected a folder of images, got memory://none, which is none;"):
        load_folder("memory://none")
    with pytest.raises(NotADirectoryError, match="expected a folder of images, got .*none, which does not exist"):
        load_folder(f"file://{tmp_path}/none")
    memory.mkdir("/empty")
    with pytest.raises(ValueError, match="^memory://empty has no images; expected memory://empty/<class>/"):
        load_folder("memory://empty")
    with pytest.raises(ValueError, match="a web server does not list its files; name them in a table"):
        load_folder(site[1])
    with pytest.raises(RemoteError, match="^cannot read nonsense://a: .*nonsense"):
        load_folder("nonsense://a")


def test_remote_tables_folders_and_cells(site, memory):
    """The table, its root folder and its cells may each be local or remote."""
    folder, address = site
    shop = make_shop(2, 2, folder=folder, random_state=0)
    expected = [read_image(path) for path in shop.paths]
    table = (folder / "labels.csv").read_text("utf-8")
    memory.pipe("/labels.csv", table.encode())
    for line in table.splitlines()[1:]:
        memory.put_file(folder / line.split(",")[0], f"/shop/{line.split(',')[0]}")
    (folder / "urls.csv").write_text(table.replace("\n", f"\n{address}/").removesuffix(f"{address}/"))
    (folder / "local.csv").write_text(table.replace("\n", f"\nfile://{folder}/").removesuffix(f"file://{folder}/"))
    for source, root in (
        (folder / "labels.csv", address), (f"{address}/labels.csv", "memory://shop"), ("memory://labels.csv", folder),
        (folder / "urls.csv", folder), (folder / "urls.csv", "memory://nowhere"),
        (folder / "local.csv", f"file://{folder}"),
    ):
        found = load_table(source, root, columns=["color"])
        assert found.labels.tolist() == shop.labels.tolist()
        assert all((read_image(path) == pixels).all() for path, pixels in zip(found.paths, expected))


@pytest.mark.parametrize("root", ["{folder}", "memory://shop"])
@pytest.mark.parametrize("cell, message", [
    ("file:///etc/passwd", "file:///etc/passwd leads out of"), ("../a.jpg", r"\.\./a.jpg leads out of"),
    ("/etc/passwd", "/etc/passwd leads out of"), (".", r"\. leads out of"),
    ("zip://a.jpg::file:///etc/a.zip", "is a chain of URLs"), ("local:///etc/passwd", "leads out of"),
])
def test_cells_must_not_lead_out_of_the_folder(memory, tmp_path, root, cell, message):
    memory.pipe("/labels.csv", f"path,class\na.jpg,boot\n{cell},boot\n".encode())
    (tmp_path / "a.jpg").write_bytes(b"not read")
    with pytest.raises(ValueError, match=f"^row 2: .*{message}"):
        load_table("memory://labels.csv", root.format(folder=tmp_path))


def test_remote_table_without_a_root(memory, site, tmp_path):
    """Paths are relative to the folder of the table, and never name a local file."""
    touched = tmp_path / "a.jpg"
    touched.write_bytes(JPEG)
    content = "path,class\na.jpg,boot\ndeep/b.jpg,clog\n"
    memory.pipe("/shop/labels.csv", content.encode())
    (site[0] / "labels.csv").write_text(content)
    assert load_table("memory://shop/labels.csv").paths == ["memory://shop/a.jpg", "memory://shop/deep/b.jpg"]
    url = f"{site[1]}/labels.csv?token=secret"
    assert load_table(url).paths == [f"{site[1]}/a.jpg", f"{site[1]}/deep/b.jpg"]
    for cell in (touched, f"file://{touched}", "../a.jpg"):
        memory.pipe("/shop/labels.csv", f"path,class\n{cell},boot\n".encode())
        with pytest.raises(ValueError, match="leads out of memory://shop"):
            load_table("memory://shop/labels.csv")
    (tmp_path / "labels.csv").write_text(f"path,class\na.jpg,boot\nfile://{touched},boot\n")
    assert load_table(f"file://{tmp_path}/labels.csv").paths == [str(touched)] * 2


def test_bad_remote_tables(site):
    with pytest.raises(OSError, match="^cannot read http://.*/none.csv: no such file"):
        load_table(f"{site[1]}/none.csv", site[0])
    (site[0] / "labels.csv").write_bytes(b"path,class\na.jpg,\xff\xfe\n")
    with pytest.raises(ValueError, match=r"^http://.*/labels.csv\?token=\*\*\* is not a CSV file in UTF-8"):
        load_table(f"{site[1]}/labels.csv?token=secret", site[0])
