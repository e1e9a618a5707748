//! Tiny labelled folders for tests.

use std::fs;

use tempfile::TempDir;

/// Two products, one calibration photo, one test photo of each, and one of nothing.
pub(crate) const REFERENCES: &str = "brand,product,path,kind
acme,oat,oat.jpg,pack
acme,rice,rice.jpg,pack
";
/// See [`REFERENCES`].
pub(crate) const PHOTOS: &str = "path,brand,product,item,split
a.jpg,acme,oat,a,calibration
b.jpg,acme,oat,b,test
c.jpg,acme,rice,c,test
d.jpg,none,none,d,test
";
/// See [`REFERENCES`].
pub(crate) const CLAIMS: &str = "path,brand,product,truth,edit
b.jpg,acme,oat,genuine,mirrored
c.jpg,acme,rice,genuine,
d.jpg,acme,oat,other,
";

/// A folder with these tables and an empty file for every path that they name.
pub(crate) fn folder(tables: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    let all = [
        ("references.csv", REFERENCES),
        ("photos.csv", PHOTOS),
        ("claims.csv", CLAIMS),
    ];
    for (name, text) in all.iter().chain(tables) {
        fs::write(dir.path().join(name), text).unwrap();
        for path in text.split([',', '\n']).filter(|t| t.ends_with(".jpg")) {
            fs::write(dir.path().join(path), "").unwrap();
        }
    }
    dir
}
