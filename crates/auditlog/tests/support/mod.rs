//! A small log with everything a bundle can hold, the same at every run.

#![allow(dead_code, reason = "each test binary uses its part of it")]

use std::collections::HashMap;

use auditlog::anchor::AnchorLine;
use auditlog::bundle::{Bundle, BundleError, BundledStatement, Trust, Verified, verify};
use auditlog::checkpoint::Checkpoint;
use auditlog::disclosure::disclose;
use auditlog::encoding::to_base64;
use auditlog::field::Secret;
use auditlog::hash::{Hash, LeafIndex};
use auditlog::note::{NoteSigner, SignedNote, Verifier};
use auditlog::proof::{TileSource, TreeHead, TreeReader};
use auditlog::statement::{
    Signed, Statement, StatementParts, content_text, receipt_text, signed_message,
};
use auditlog::story::StoryNote;
use auditlog::tile::{RightEdge, Tile};
use auditlog::{Entry, Timestamp};

pub const ORIGIN: &str = "log.example/rootmark";
pub const SUBJECT: &str = "https://id.gs1.org/01/09521234543213/10/L1/21/S1";
const GTIN: &str = "https://id.gs1.org/01/09521234543213";
pub const FARM: &str = "https://id.gs1.org/417/9521234000006";

/// One-byte seeds of the two keys.
#[derive(Clone, Copy)]
pub struct Seeds {
    pub log: u8,
    pub story: u8,
}

pub struct Sample {
    pub bundle: Bundle,
    pub log_key: Verifier,
    pub story_key: Verifier,
    pub anchors: String,
    pub tree_size: u64,
}

impl Sample {
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            log: Some(&self.log_key),
            story: Some(&self.story_key),
            anchors: Some(&self.anchors),
            ..Trust::default()
        }
    }

    pub fn verify(&self, text: &str) -> Result<Verified, BundleError> {
        verify(text.as_bytes(), &self.trust())
    }
}

pub fn sample() -> Sample {
    sample_with(Seeds { log: 1, story: 2 })
}

/// Statements at indexes 3, 10, 300 and 301 of a log of 302 entries, sealed as its second seal.
pub fn sample_with(seeds: Seeds) -> Sample {
    let shape = LogShape {
        size: 302,
        first_seal_size: 101,
    };
    sample_of(seeds, shape, &told())
}

/// How many entries a log has, and how many it had when it was first sealed.
#[derive(Clone, Copy)]
pub struct LogShape {
    pub size: u64,
    pub first_seal_size: u64,
}

/// A log that holds `told` at the indexes named, and nothing but fillers beside.
pub fn sample_of(seeds: Seeds, shape: LogShape, told: &[(u64, Told)]) -> Sample {
    let log = NoteSigner::from_seed(ORIGIN, &[seeds.log; 32]).unwrap();
    let story = NoteSigner::from_seed(&StoryNote::key_name(ORIGIN), &[seeds.story; 32]).unwrap();
    let mut tree = Tree::default();
    let mut first_seal = None;
    for index in 0..shape.size {
        let entry = match told.iter().find(|(at, _)| *at == index) {
            Some((_, statement)) => statement.entry,
            None => Entry {
                recorded: time("00.000"),
                digest: Hash([index as u8; 32]),
            },
        };
        tree.append(entry.leaf_hash());
        if index + 1 == shape.first_seal_size {
            first_seal = Some(anchor(1, &tree.edge, Hash([0; 32]), &log));
        }
    }
    let first = first_seal.unwrap();
    let second = anchor(2, &tree.edge, first.hash(), &log);
    let mut reader = TreeReader::new(tree.tiles(), tree.edge.size());
    let statements = told
        .iter()
        .map(|(index, told)| told.bundled(LeafIndex(*index), &mut reader))
        .collect();
    let note = StoryNote {
        key_name: StoryNote::key_name(ORIGIN),
        subject: SUBJECT.into(),
        size: tree.edge.size(),
        indexes_hash: StoryNote::hash_indexes(told.iter().map(|(index, _)| LeafIndex(*index))),
    };
    let bundle = Bundle {
        subject: SUBJECT.into(),
        origin: ORIGIN.into(),
        vkey: log.verifier().format(),
        story_vkey: story.verifier().format(),
        checkpoint: second.checkpoint.clone(),
        anchor: second.format(),
        story: SignedNote::sign(note.format(), &story).unwrap().format(),
        statements,
    };
    Sample {
        bundle,
        log_key: log.verifier().clone(),
        story_key: story.verifier().clone(),
        anchors: format!("{}\n{}\n", first.format(), second.format()),
        tree_size: tree.edge.size().0,
    }
}

/// A statement, its entry, and which of its fields stay hidden.
pub struct Told {
    pub statement: Statement,
    pub entry: Entry,
    pub hidden: fn(&str) -> bool,
}

impl Told {
    fn bundled(&self, index: LeafIndex, reader: &mut TreeReader<Tiles>) -> BundledStatement {
        let show = |pointer: &str| !(self.hidden)(pointer);
        let Statement {
            content,
            receipt,
            content_salts,
            receipt_secret,
        } = &self.statement;
        BundledStatement {
            index,
            entry: self.entry.format(),
            path: reader.inclusion_proof(index).unwrap(),
            content: disclose(content, content_salts, show),
            receipt: disclose(receipt, &(*receipt_secret).into(), show),
        }
    }
}

fn told() -> Vec<(u64, Told)> {
    let event = r#"{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"ObjectEvent","eventID":"urn:uuid:6c3b1f9e-0c55-4c64-9d5e-8f3b9ad5f001","action":"ADD","epcList":["https://id.gs1.org/01/09521234543213/21/S1","https://id.gs1.org/01/09521234543213/21/S2"],"ilmd":{"cbvmda:lotNumber":"L1"},"demo:reading":1.0,"demo:note":"奶粉 \"甲\"\n","demo:none":{},"demo:list":[]}"#;
    let about_event = [
        "epc https://id.gs1.org/01/09521234543213/21/S1",
        "epc https://id.gs1.org/01/09521234543213/21/S2",
        "lot https://id.gs1.org/01/09521234543213/10/L1",
    ];
    let children: Vec<String> = (1..=40).map(|i| format!("\"{GTIN}/21/S{i}\"")).collect();
    let packing = format!(
        "{{\"type\":\"AggregationEvent\",\"childEPCs\":[{}],\
         \"parentID\":\"https://id.gs1.org/00/095212345000000013\"}}",
        children.join(",")
    );
    let mut about_packing: Vec<String> =
        (1..=40).map(|i| format!("child {GTIN}/21/S{i}")).collect();
    about_packing.push("parent https://id.gs1.org/00/095212345000000013".into());
    about_packing.sort();
    let product = r#"{"gtin":"https://id.gs1.org/01/09521234543213","productName":{"en":"Demo tin","zh-CN":"演示奶粉"}}"#;
    let inspection = r#"{"type":"ObjectEvent","action":"OBSERVE","bizStep":"inspecting"}"#;
    vec![
        (
            3,
            tell(event, "event", &about_event, 3, |p| {
                matches!(p, "/body/epcList/1" | "/about/1")
            }),
        ),
        (
            10,
            tell(&packing, "event", &about_packing, 10, |p| {
                (p.starts_with("/body/childEPCs/") && p != "/body/childEPCs/0")
                    || (p.starts_with("/about/") && !matches!(p, "/about/0" | "/about/40"))
            }),
        ),
        (
            300,
            tell(product, "product", &[format!("product {GTIN}")], 44, |_| {
                false
            }),
        ),
        (
            301,
            tell(
                inspection,
                "event",
                &[format!("epc {GTIN}/10/L1")],
                45,
                |_| false,
            ),
        ),
    ]
}

fn tell(
    body: &str,
    kind: &str,
    about: &[impl ToString],
    nonce: u8,
    hidden: fn(&str) -> bool,
) -> Told {
    let recorded = time(&format!("{:02}.{nonce:03}", nonce % 60));
    let content = content_text(body, FARM, kind);
    let about: Vec<String> = about.iter().map(ToString::to_string).collect();
    let (content_secret, receipt_secret) = (Secret([nonce; 32]), Secret([nonce + 100; 32]));
    let parts = |receipt: &str| {
        Statement::read(&StatementParts {
            content: &content,
            receipt,
            content_salts: content_secret.into(),
            receipt_secret,
        })
        .unwrap()
    };
    let unsigned = parts(&receipt_text(&about, recorded, None));
    let statement = if nonce == 45 {
        // The farm signs this one itself.
        let farm = NoteSigner::from_seed("farm.example", &[3; 32]).unwrap();
        let message = signed_message(&unsigned.content.root(&content_secret.into()));
        let signature = to_base64(&farm.sign(message.as_bytes()));
        let signer = farm.verifier().format();
        let signed = Signed {
            signature: &signature,
            signer: &signer,
        };
        parts(&receipt_text(&about, recorded, Some(&signed)))
    } else {
        unsigned
    };
    let entry = Entry {
        recorded,
        digest: statement.digest(),
    };
    Told {
        statement,
        entry,
        hidden,
    }
}

/// 2026-11-23, two minutes past one, at these seconds.
pub fn time(seconds: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-23T01:02:{seconds}Z")).unwrap()
}

pub fn anchor(seal: u64, edge: &RightEdge, previous: Hash, log: &NoteSigner) -> AnchorLine {
    let head = TreeHead {
        size: edge.size(),
        root: edge.root(),
    };
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        head,
    };
    AnchorLine {
        seal,
        head,
        sealed_at: Timestamp::parse(&format!("2026-11-23T01:03:0{seal}.000Z")).unwrap(),
        previous,
        checkpoint: checkpoint.sign(log).unwrap().format(),
    }
}

struct Tree {
    edge: RightEdge,
    full: HashMap<(u8, u64), Vec<Hash>>,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree {
            edge: RightEdge::empty(),
            full: HashMap::new(),
        }
    }
}

impl Tree {
    fn append(&mut self, leaf: Hash) {
        self.edge.append(leaf, |tile| {
            self.full
                .insert((tile.tile.level, tile.tile.index), tile.hashes);
        });
    }

    fn tiles(&self) -> Tiles {
        let mut tiles = self.full.clone();
        for partial in self.edge.partial_tiles() {
            tiles.insert((partial.tile.level, partial.tile.index), partial.hashes);
        }
        Tiles(tiles)
    }
}

struct Tiles(HashMap<(u8, u64), Vec<Hash>>);

impl TileSource for Tiles {
    type Error = std::convert::Infallible;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error> {
        Ok(self.0[&(tile.level, tile.index)].clone())
    }
}
