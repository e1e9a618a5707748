//! Folders and tables as people lay them out.

use super::*;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn folders_name_brand_and_product() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "acme/oat/b.JPG",
        "acme/oat/a.png",
        "acme/oat/notes.txt",
        "acme/.cache/c/d.jpg",
        "zed/rye/x.webp",
    ] {
        write(folder.path(), name, "x");
    }
    let (found, refused) = references(folder.path()).unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|r| {
            format!(
                "{} {}",
                r.product,
                r.path.file_name().unwrap().to_string_lossy()
            )
        })
        .collect();
    assert_eq!(
        names,
        ["acme / oat a.png", "acme / oat b.JPG", "zed / rye x.webp"]
    );
    assert!(refused.is_empty());
}

#[test]
fn a_folder_at_the_wrong_level_says_how_to_lay_it_out() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "oat/a.jpg", "x");
    let failure = references(folder.path()).unwrap_err();
    assert!(failure.hint.unwrap().contains("BRAND/PRODUCT/*.jpg"));
}

#[test]
fn genuine_photos_lie_one_level_deeper() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "acme/oat/item-1/a.jpg", "x");
    write(folder.path(), "acme/oat/stray.jpg", "x");
    let (found, _) = genuine_photos(folder.path()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (
            found[0].item.as_str(),
            found[0].product.to_string().as_str()
        ),
        ("item-1", "acme / oat")
    );
}

#[test]
fn csv_lines_stand_for_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let text = "brand,product,path,kind,view,marks\n\
        acme,oat,img/a.jpg,,front,\n\
        acme,oat,img/b.jpg,sticker,,\n\
        acme,oat,img/c.jpg,label,,\"[{\"\"name\"\":\"\"n\"\",\"\"kind\"\":\"\"text\"\",\"\"region\"\":[[0,0],[1,0],[1,1]]}]\"\n\
        acme,oat\n";
    let csv = write(folder.path(), "refs.csv", text);
    let (found, mut refused) = references(&csv).unwrap();
    refused.sort_by(|a, b| a.place.cmp(&b.place));
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].path, folder.path().join("img/a.jpg"));
    assert_eq!(
        (found[0].kind, found[0].view.as_deref()),
        (ReferenceKind::Pack, Some("front"))
    );
    assert_eq!(found[1].marks[0].region.len(), 3);
    let places: Vec<_> = refused
        .iter()
        .map(|r| r.place.rsplit(':').next().unwrap())
        .collect();
    assert_eq!(places, ["3", "5"]);
    assert!(
        refused[0]
            .error
            .contains("pack, logo, label, catalogue_photo")
    );
}

#[test]
fn a_missing_column_refuses_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let csv = write(folder.path(), "refs.csv", "brand,path\nacme,a.jpg\n");
    let failure = references(&csv).unwrap_err();
    assert!(failure.to_string().contains("product"), "{failure}");
    assert!(failure.hint.is_some());
}

#[test]
fn marks_go_to_the_reference_they_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "acme/oat/front.png", "x");
    let text = "brand,product,image,name,kind,text,x0,y0,x1,y1\n\
        acme,oat,front.png,brand name,text,OATLY,0.1,0.2,0.5,0.3\n\
        acme,oat,back.png,crest,logo,,0.1,0.2,0.5,0.3\n\
        acme,oat,front.png,upside down,logo,,0.1,0.9,0.5,0.3\n\
        acme,oat,front.png,outside,logo,,0.1,0.9,1.5,0.95\n";
    let csv = write(folder.path(), "marks.csv", text);
    let (mut found, _) = references(folder.path()).unwrap();
    let refused = add_marks(&mut found, &csv).unwrap();
    let marks = &found[0].marks;
    assert_eq!(marks.len(), 1);
    assert_eq!(
        (marks[0].name.as_str(), marks[0].text.as_deref()),
        ("brand name", Some("OATLY"))
    );
    assert_eq!(marks[0].region[2], Point { x: 0.5, y: 0.3 });
    assert_eq!(refused.len(), 3);
}
