//! What the command line accepts, and the help that teaches it.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    audit::AuditArgs,
    backup::{BackupArgs, RestoreArgs},
    evidence::EvidenceArgs,
    keeping::{EraseArgs, HoldArgs},
    key::KeyArgs,
    statement::StatementArgs,
    verify::VerifyArgs,
};
use crate::{
    config::{AppConfig, HttpConfig, KeepConfig, StatementsConfig},
    contract::limits::{MOST_PHOTOS, PHOTOS_PER_KIND},
};

// Examples stand in the help itself: most people learn a command from one.
const OVERVIEW: &str = "\
Examples:
  assay demo                                                see it work on the samples
  assay demo --serve                                        the same, and review it in a browser
  assay enroll brands/                                      enroll brands/BRAND/PRODUCT/*.jpg
  assay check photo.jpg --brand acme --product oat-drink    check a photo against a claim
  assay check photo.jpg                                     which product is this?
  assay serve                                               the same over HTTP
  assay key create --role pipeline                          a key for a program that submits photos
  assay erase --seller ID --why TEXT                        erase what is kept of a seller
  assay audit verify                                        is the log of what was done whole?
  assay backup assay.tar                                    save everything, also while it is served
  assay evidence CHECK_ID --out bundle.zip                  the evidence of a check, to hand on
  assay verify bundle.zip                                   is such evidence unchanged?
  assay statement CHECK_ID                                  the reasons for the seller, in words

Exit codes: 0 success and everything consistent, 1 something is not consistent, 2 error.
Logs go to stderr; RUST_LOG=assay=debug shows more.";

/// Checks product photos against reference images of genuine goods.
///
/// Assay says what a photo shows (consistent, deviates, reused_photo, not_comparable,
/// no_brand_seen) with scores, reasons and places. It never says "counterfeit": similarity is not
/// authenticity.
#[derive(Debug, Parser)]
// Without arguments the help is shown: an error would leave a newcomer with nothing.
#[command(name = "assay", version, arg_required_else_help = true, after_help = OVERVIEW)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArgs {
    /// What the program works with.
    #[command(flatten)]
    pub app: AppConfig,
    /// Answer as JSON on stdout
    // Global, so that it may stand before or after the command's name.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more to stderr; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Enroll and check the samples, and show what comes out
    Demo(DemoArgs),
    /// Add references of genuine goods, or genuine photos as calibration data
    Enroll(EnrollArgs),
    /// Check photos against a claim, or say what they show
    Check(CheckArgs),
    /// Serve checks over HTTP
    Serve(ServeArgs),
    /// Make, list, revoke and rotate the keys by which callers are known
    Key(KeyArgs),
    /// Show what was done by whom, and tell whether the log of it is whole
    Audit(AuditArgs),
    /// Keep a check whatever would remove it, for a dispute or a court
    Hold(HoldArgs),
    /// Erase the data of a seller or listing
    Erase(EraseArgs),
    /// Write the evidence of a check into one signed file
    Evidence(EvidenceArgs),
    /// Verify the evidence of a check that somebody else wrote
    Verify(VerifyArgs),
    /// Tell the seller why a check came out as it did
    Statement(StatementArgs),
    /// Save the records and images of the data folder in one file
    Backup(BackupArgs),
    /// Make a data folder of a backup
    Restore(RestoreArgs),
    /// Measure this build on a labelled folder
    Eval(EvalArgs),
}

const ENROLL: &str = "\
PATH is a folder of references laid out as BRAND/PRODUCT/*.jpg (JPEG, PNG or WebP, told by content), or a CSV file with the columns
  brand,product,path[,kind,view,marks]
The path is relative to the CSV file, kind is pack (default), logo, label or catalogue_photo, and marks is JSON as in the \
HTTP interface: [{\"name\":\"brand\",\"kind\":\"text\",\"text\":\"ACME\",\"region\":[[0.2,0.1],[0.8,0.1],[0.8,0.2],[0.2,0.2]]}]

Brands and products are created as needed. Where a reference comes without protected marks, Assay proposes some. The \
file of --marks holds one box per line, in the columns
  brand,product,image,name,kind,text,x0,y0,x1,y1
The image is the reference's file name, kind is text, logo or ignored, and the corners are 0..1 of the upright image. \
In a box of kind ignored, print varies by design (a date, a tear tape): nothing is compared there, and it needs no name.

Tables may come from a spreadsheet: separated by commas, semicolons or tabs, in UTF-8 or Windows-1252.

With --genuine the photos become calibration data instead: BRAND/PRODUCT/ITEM/*.jpg, or a CSV file with the columns
  brand,product,item,path
The item names the physical article, since photos of one article are not independent. Take them as sellers do.

Examples:
  assay enroll brands/ --marks marks.csv
  assay enroll references.csv --json
  assay enroll genuine/ --genuine

One bad file does not stop the rest; images enrolled already are skipped.
Exit codes: 0 success, 2 error, also when a single file was refused.";

/// Arguments of `assay enroll`.
#[derive(Debug, Args)]
#[command(after_help = ENROLL)]
pub struct EnrollArgs {
    /// Folder BRAND/PRODUCT/*.jpg, or a CSV file
    pub path: PathBuf,
    /// CSV file of protected marks
    // Genuine photos have no marks: a file of them would be ignored in silence.
    #[arg(long, value_name = "FILE", conflicts_with = "genuine")]
    pub marks: Option<PathBuf>,
    /// Add genuine photos as calibration data instead of references
    #[arg(long)]
    pub genuine: bool,
}

const CHECK: &str = "\
Several photos form one check, as a listing has several. Without --brand and --product Assay says what the photos show.

Examples:
  assay check photo.jpg --brand acme --product oat-drink --evidence why.png
  assay check front.jpg back.jpg --brand acme --product oat-drink --json

Reading the answer:
  consistent      comparable with a reference, and nothing differs more than genuine photos do
  deviates        something differs more than genuine photos do: the reasons say what and where
  reused_photo    the brand's own catalogue picture, or one seen on another seller's listing
  not_comparable  blurred, too small, wrong side, covered: the reasons say which
  no_brand_seen   the photo is of another enrolled product, which the reasons name
The p-value is the share of genuine photos that would look at least this different.

Exit codes: 0 the check is consistent, 1 it is not, 2 error.";

/// Arguments of `assay check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK)]
pub struct CheckArgs {
    /// Photos of one listing, 1 to 12
    // No upper number here: the parser would call the thirteenth an unexpected argument.
    #[arg(required = true, num_args = 1.., value_name = "PHOTO")]
    pub photos: Vec<PathBuf>,
    /// Claimed brand
    #[arg(long, value_name = "ID")]
    pub brand: Option<String>,
    /// Claimed product
    // The ids of products are unique within a brand only.
    #[arg(long, value_name = "ID", requires = "brand")]
    pub product: Option<String>,
    /// Listing the photos belong to, kept with the check
    #[arg(long, value_name = "ID")]
    pub listing: Option<String>,
    /// Seller of the listing; photos seen on other sellers' listings come back `reused_photo`
    #[arg(long, value_name = "ID")]
    pub seller: Option<String>,
    /// Draw photo, located reference, marks and deviations; several photos become OUT-1.png,
    /// OUT-2.png, ...
    #[arg(long, value_name = "OUT.png")]
    pub evidence: Option<PathBuf>,
}

const SERVE: &str = "\
Examples:
  assay serve
  assay serve --listen 127.0.0.1:9000 --workers 4 --log-format json
  assay serve --listen 0.0.0.0:8443 --tls-cert fullchain.pem --tls-key privkey.pem
  assay serve --listen 10.0.0.5:8080 --trusted-proxy 10.0.0.4

By default Assay listens on the loopback interface only. On any other address keys and photos need TLS: give it a certificate, \
or put a proxy with TLS before it and name that with --trusted-proxy.

Callers send a key: the first start leaves an administrator's in the data folder, and `assay key create` makes others.
The documentation of the interface is served beside it, under /docs.";

/// Arguments of `assay serve`.
#[derive(Debug, Args)]
#[command(after_help = SERVE)]
pub struct ServeArgs {
    /// Where to listen and how much a caller may ask.
    #[command(flatten)]
    pub http: HttpConfig,
    /// In which words sellers are told why.
    #[command(flatten)]
    pub statements: StatementsConfig,
    /// How long what need not be kept for ever is kept.
    #[command(flatten)]
    pub keep: KeepConfig,
    /// How log lines look: text for people, json for collectors
    #[arg(
        long,
        env = "ASSAY_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT",
        value_enum
    )]
    #[arg(default_value_t, hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line, for collectors
    Json,
}

const DEMO: &str = "\
Enrolls the fictional brands of the samples with their marks into a fresh folder, checks every sample photo against its
claim, and compares the verdict with the expected one. Evidence pictures are written to --out.

With --serve it goes on: a seller disputes one of the answers, the server starts, and a link is printed that signs you in as a \
reviewer.

Examples:
  assay demo
  assay demo --serve
  assay demo --serve --keep demo-data --listen 127.0.0.1:9000

Exit codes: 0 every verdict is the expected one, 1 some are not, 2 error.";

/// Arguments of `assay demo`.
#[derive(Debug, Args)]
#[command(after_help = DEMO)]
pub struct DemoArgs {
    /// Folder with the samples [default: found beside the program]
    #[arg(long, value_name = "DIR")]
    pub samples: Option<PathBuf>,
    /// Keep the demo's database in this folder, to go on with it [default: a temporary folder,
    /// removed at the end]
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Folder for the evidence pictures
    #[arg(long, value_name = "DIR", default_value = "./assay-demo")]
    pub out: PathBuf,
    /// Serve the demo then, with a dispute in the queue and a link to sign in
    #[arg(long, conflicts_with = "json")]
    pub serve: bool,
    /// With --serve: address to listen on; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        requires = "serve"
    )]
    pub listen: SocketAddr,
}

const EVAL: &str = "\
DIR holds
  references.csv  brand,product,path,kind
  photos.csv      path,brand,product,item,split
  claims.csv      path,brand,product,truth,edit
  boxes.csv       path,x0,y0,x1,y1 (optional: a box around a photo's product, in 0..1)
Photos of split `test` are counted; those of split `calibration` set the thresholds, or with --calibration shipped nothing
does but the program. The truth of a claim is genuine, sibling, edited or other. For `edited` the column `edit` names what
was changed on the reference; for `genuine` it names what was done to the photo, and each such edit gets its own line.

A photo of brand `none` shows nothing that is enrolled. Without a claim it should be answered with anything but
`consistent`, which reads as \"this is the product\"; claims on it have truth other.

Flagged means `deviates` or `no_brand_seen`. Coverage counts genuine claims whose product was located in a photo good
enough to be judged.

Examples:
  assay eval data/covers
  assay eval data/grocery --references 5 --rows rows.csv
  assay eval data/shelf --calibration shipped --json
  assay eval data/covers --listings 1,3,5
  assay eval --self-test acme --photos-per-kind 8";

/// Whose genuine photos set the thresholds of `assay eval`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CalibrationChoice {
    /// The folder's own calibration photos
    #[default]
    Own,
    /// The calibration inside the program: every product is judged as a new brand's is
    Shipped,
}

/// Photos of a listing, as many as a check takes.
fn listing_size(text: &str) -> Result<usize, String> {
    let size = text.parse::<usize>().ok();
    size.filter(|n| (1..=MOST_PHOTOS).contains(n))
        .ok_or_else(|| format!("give a number of photos from 1 to {MOST_PHOTOS}"))
}

/// What `assay eval` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = EVAL)]
pub struct EvalArgs {
    /// The labelled folder.
    #[arg(required_unless_present = "self_test")]
    pub dir: Option<PathBuf>,
    /// Instead: edit this brand's own references, photograph them by a simulator, and say what
    /// would be flagged.
    #[arg(long, value_name = "BRAND", conflicts_with_all = ["dir", "calibration", "listings", "references", "without_variation", "rows", "threads"])]
    pub self_test: Option<String>,
    /// With --self-test: this product only.
    #[arg(long, value_name = "ID", requires = "self_test")]
    pub product: Option<String>,
    /// With --self-test: photos of each kind of edit, 1 to 12.
    #[arg(long, value_name = "N", default_value_t = PHOTOS_PER_KIND)]
    pub photos_per_kind: usize,
    /// Seed of the draw of --listings, or with --self-test of edits and photos.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// With --self-test: write the simulated photos here, each named by kind, mark and verdict.
    #[arg(long, value_name = "DIR", requires = "self_test")]
    pub pictures: Option<PathBuf>,
    /// What claims are judged by.
    #[arg(long, value_enum, default_value_t, value_name = "WHOSE")]
    pub calibration: CalibrationChoice,
    /// Also deal the test photos of each product into listings of N photos and judge each as one
    /// check; several N as in 1,3,5.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = listing_size)]
    pub listings: Vec<usize>,
    /// Calibration photos per product that also become references.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub references: usize,
    /// Judge test photos as if only the thresholds knew the calibration photos. Otherwise these are
    /// also what genuine photos of their products show: what nearly all of them do too is taken off
    /// a test photo's evidence.
    #[arg(long)]
    pub without_variation: bool,
    /// Also write every claim to this CSV file: truth, edit, verdict, p-value, first reason, score
    /// and its inputs.
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    /// With --rows: make non-genuine claims on calibration photos too, for fitting the fusion.
    #[arg(long, requires = "rows")]
    pub fitting: bool,
    /// Worker threads; as many as cores when left out.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}
