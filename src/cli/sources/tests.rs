//! Folders and tables as people lay them out.

use std::fs;

use super::*;

/// The first bytes of a JPEG, which is told by them.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// Refusals by the number of their line.
fn by_line(refused: &[Refused]) -> Vec<(&str, &str)> {
    let line = |r: &'_ Refused| r.place.rfind(':').map_or(0, |at| at + 1);
    refused
        .iter()
        .map(|r| (&r.place[line(r)..], r.error.as_str()))
        .collect()
}

#[test]
fn folders_name_brand_and_product_and_their_files_are_told_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in [
        "acme/oat/b.JPG",
        "acme/oat/a.png",
        "acme/oat/c.jfif",
        "acme/oat/d.jpe",
        "acme/.cache/c/d.jpg",
        "zed/rye/x.webp",
    ] {
        write(root, name, "x");
    }
    write(root, "acme/oat/e.tif", JPEG);
    write(root, "acme/oat/f", JPEG);
    write(root, "acme/oat/g.heic", b"\0\0\0\x18ftypheic\0\0");
    write(root, "acme/oat/h.gif", b"GIF89a\x01\0");
    write(root, "acme/oat/notes.txt", "to do");
    write(root, "acme/oat/old/a.jpg", JPEG);
    write(root, "acme/stray.jpg", JPEG);
    write(root, "acme/list.csv", "not a picture");
    let found = references(root).unwrap();
    let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    let names: Vec<_> = found.items.iter().map(|r| name(&r.path)).collect();
    let oat = ["a.png", "b.JPG", "c.jfif", "d.jpe", "e.tif", "f"].map(|f| format!("acme/oat/{f}"));
    assert_eq!(names, [&oat[..], &["zed/rye/x.webp".to_owned()]].concat());
    assert_eq!(found.items[0].product.to_string(), "acme / oat");
    assert_eq!(found.refused, []);
    let skipped: Vec<_> = found
        .skipped
        .iter()
        .map(|s| (name(s.place.as_ref()), s.reason.as_str()))
        .collect();
    for (file, word) in [
        ("acme/oat/g.heic", "a HEIC picture"),
        ("acme/oat/h.gif", "a GIF picture"),
        ("acme/oat/notes.txt", "plain text"),
        ("acme/oat/old", "not looked into"),
        ("acme/stray.jpg", "one level deeper"),
    ] {
        let said = skipped.iter().find(|(name, _)| name == file);
        assert!(
            said.is_some_and(|(_, why)| why.contains(word)),
            "{file}: {skipped:?}"
        );
    }
    assert_eq!(skipped.len(), 5);
}

#[test]
fn a_folder_that_names_no_brand_is_refused_once_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jpg", "b.jpg"] {
        write(folder.path(), &format!("Acme Foods/oat/{name}"), JPEG);
    }
    let found = references(folder.path()).unwrap();
    assert!(found.items.is_empty());
    let [Refused { place, error }] = &found.refused[..] else {
        panic!("{:?}", found.refused)
    };
    assert!(place.ends_with("Acme Foods/oat"), "{place}");
    assert!(error.contains("`acme-foods`; rename the folder"), "{error}");
}

#[test]
fn a_folder_at_the_wrong_level_says_how_to_lay_it_out() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "oat/a.jpg", "x");
    let failure = references(folder.path()).unwrap_err();
    assert!(
        failure.to_string().contains("one level deeper"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("BRAND/PRODUCT/*.jpg"));
}

#[test]
fn genuine_photos_lie_one_level_deeper() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "acme/oat/item-1/a.jpg", "x");
    write(folder.path(), "acme/oat/stray.jpg", "x");
    let found = genuine_photos(folder.path()).unwrap();
    let [photo] = &found.items[..] else {
        panic!("{:?}", found.items)
    };
    assert_eq!(
        (photo.item.as_str(), photo.product.to_string().as_str()),
        ("item-1", "acme / oat")
    );
    assert!(found.skipped[0].place.ends_with("stray.jpg"));
}

#[test]
fn csv_lines_stand_for_themselves_and_refusals_name_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        write(folder.path(), &format!("img/{name}.jpg"), JPEG);
    }
    let text = "brand,product,path,kind,view,marks\n\
        acme,oat,img/a.jpg,,front,\n\
        acme,oat,img/b.jpg,sticker,,\n\
        acme,oat,img\\c.jpg,label,,\"[{\"\"name\"\":\"\"n\"\",\"\"kind\"\":\"\"text\"\",\"\"region\"\":[[0,0],[1,0],[1,1]]}]\"\n\
        acme,oat\n\
        Acme Ltd,oat,img/a.jpg,,,\n\
        acme,oat,https://acme.example/a.jpg,,,\n\
        acme,oat,img/d.jpg,,,\n\
        acme,oat,img,,,\n";
    let csv = write(folder.path(), "refs.csv", text);
    let found = references(&csv).unwrap();
    let [a, c] = &found.items[..] else {
        panic!("{:?}", found.items)
    };
    assert_eq!(a.path, folder.path().join("img/a.jpg"));
    assert!(a.line.as_ref().unwrap().ends_with("refs.csv:2"));
    assert_eq!(
        (a.kind, a.view.as_deref()),
        (ReferenceKind::Pack, Some("front"))
    );
    assert_eq!(c.path, folder.path().join("img/c.jpg"), "as on Windows");
    assert_eq!(c.marks[0].region.len(), 3);
    let mut refused = by_line(&found.refused);
    refused.sort_unstable();
    let expected = [
        (
            "3",
            "`kind` is `sticker`; it must be one of pack, logo, label, catalogue_photo",
        ),
        ("5", "the line has 2 columns, the header 6"),
        ("6", "`brand` is `Acme Ltd`, which is not an id"),
        (
            "7",
            "`path` is `https://acme.example/a.jpg`; links are not fetched",
        ),
        ("8", "`path` is `img/d.jpg`, and there is no file"),
        ("9", "`path` is `img`, a folder"),
    ];
    assert_eq!(refused.len(), expected.len());
    for ((line, error), (at, words)) in refused.iter().zip(expected) {
        assert!(*line == at && error.starts_with(words), "{line}: {error}");
    }
}

#[test]
fn all_three_tables_are_read_as_excel_writes_them_in_europe() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "front.jpg", JPEG);
    let refs = "\u{feff}sep=;\r\nBrand;Product;PATH;Preis\r\nacme;oat;front.jpg;1,99\r\n;;;\r\n";
    let mut found = references(&write(root, "references.csv", refs)).unwrap();
    assert_eq!((found.items.len(), found.refused.len()), (1, 0));
    assert!(found.skipped[0].reason.contains("`preis`"));

    let marks = b"Brand;Product;Image;Name;Kind;Text;X0;Y0;X1;Y1\r\n\
        acme;oat;front.jpg;S\xfc\xdfe;text;S\xfc\xdfe;0,1;0,2;0,5;0,3\r\n";
    let added = add_marks(&mut found.items, &write(root, "marks.csv", marks)).unwrap();
    assert_eq!(added.refused, []);
    let mark = &found.items[0].marks[0];
    assert_eq!(
        (mark.name.as_str(), mark.region[2]),
        ("Süße", Point { x: 0.5, y: 0.3 })
    );

    let genuine = "brand;product;item;path\r\nacme;oat;Karton 1;front.jpg\r\n";
    let found = genuine_photos(&write(root, "genuine.csv", genuine)).unwrap();
    assert_eq!(found.items[0].item, "Karton 1");
}

#[test]
fn marks_go_to_the_reference_they_name_and_refusals_name_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "acme/oat/front.png", "x");
    let text = "brand,product,image,name,kind,text,x0,y0,x1,y1\n\
        acme,oat,front.png,brand name,text,OATLY,0.1,0.2,0.5,0.3\n\
        acme,oat,oat\\front.png,,ignored,,0.1,0.8,0.5,0.9\n\
        acme,oat,front.png,,ignored,,0.6,0.8,0.9,0.9\n\
        acme,oat,back.png,crest,logo,,0.1,0.2,0.5,0.3\n\
        acme,oat,front.png,upside down,logo,,0.1,0.9,0.5,0.3\n\
        acme,oat,front.png,outside,logo,,0.1,0.9,150,0.95\n\
        acme,oat,front.png,crest,seal,,0.1,0.2,0.5,0.3\n\
        acme,oat,front.png,crest,logo,ACME,0.1,0.2,0.5,0.3\n\
        acme,oat,front.png,,logo,,0.1,0.2,0.5,0.3\n\
        acme,oat,front.png,brand name,logo,,0.1,0.2,0.5,0.3\n";
    let csv = write(folder.path(), "marks.csv", text);
    let mut found = references(folder.path()).unwrap();
    let added = add_marks(&mut found.items, &csv).unwrap();
    let marks = &found.items[0].marks;
    assert_eq!(
        (marks[0].name.as_str(), marks[0].text.as_deref()),
        ("brand name", Some("OATLY"))
    );
    assert_eq!(marks[0].region[2], Point { x: 0.5, y: 0.3 });
    let kinds: Vec<_> = marks.iter().map(|m| m.kind).collect();
    assert_eq!(
        kinds,
        [MarkKind::Text, MarkKind::Ignored, MarkKind::Ignored]
    );
    let expected = [
        ("5", "no reference `back.png` of `acme / oat`"),
        ("6", "`x0`,`y0` must be the upper left"),
        ("7", "`x1` is `150`; a number from 0 to 1 is needed"),
        (
            "8",
            "`kind` is `seal`; it must be one of text, logo, ignored",
        ),
        (
            "9",
            "`text` of mark `crest` belongs to marks of kind `text` only",
        ),
        ("10", "`name` of mark `` has 0 characters"),
        ("11", "`name` is `brand name` for a second time"),
    ];
    let refused = by_line(&added.refused);
    assert_eq!(refused.len(), expected.len(), "{refused:?}");
    for ((line, error), (at, words)) in refused.iter().zip(expected) {
        assert!(*line == at && error.starts_with(words), "{line}: {error}");
    }
}

#[test]
fn a_missing_column_refuses_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let csv = write(folder.path(), "refs.csv", "brand,path\nacme,a.jpg\n");
    let failure = references(&csv).unwrap_err();
    assert!(failure.to_string().contains("`product`"), "{failure}");
    assert!(failure.hint.is_some());
}
