//! Statements against their digests, their receipts and their rows in the derived tables; digests
//! against the tree.

use std::collections::{BTreeMap, HashMap, HashSet};

use auditlog::json::{self, Value};
use auditlog::statement::Statement;
use auditlog::tile::{RightEdge, TILE_WIDTH, Tile};
use auditlog::{Entry, Hash, LeafIndex};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CheckError, Report, Tally};
use crate::domain::epcis;
use crate::domain::epcis::index::Indexer;
use crate::domain::event_key::{EventKey, event_key};
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::master;
use crate::domain::picture::Picture;
use crate::domain::posting::BatchIndex;
use crate::domain::scan::{Scan, read_scan};
use crate::domain::signed::is_signature;
use crate::domain::statement::{About, Batch, Kind, Role, StatementId, StoredStatement};
use crate::domain::time::timestamp;
use crate::domain::turn::Turns;
use crate::store::batch::{pending_batches_after, sealed_batches_from};
use crate::store::event_key::taken_event_keys;
use crate::store::lost_entry::{LostEntry, lost_entries_from};
use crate::store::scan::{ScanRow, scans_of_batch};
use crate::store::statement::{CheckedStatement, statements_of_batch};
use crate::store::tile::tile_hashes;
use crate::store::trace_index::{IndexRow, index_rows, missing_index_rows};

/// Batches read at a time.
const BATCHES: i64 = 500;
/// Statements read at a time.
const STATEMENTS: i64 = 500;

/// What one step of the background scrub looks at: a hundredth of a second of work.
const SCRUBBED_BATCHES: i64 = 100;
const SCRUBBED_STATEMENTS: u64 = 500;

/// The tree as it grew.
pub(super) struct Edge {
    /// Its root at every size that was sealed.
    pub roots: BTreeMap<u64, Hash>,
    /// The right edge of the whole.
    pub last: RightEdge,
}

impl Edge {
    fn root_if_sealed(&mut self, sizes: &HashSet<u64>) {
        let size = self.last.size().0;
        if sizes.contains(&size) {
            self.roots.insert(size, self.last.root());
        }
    }
}

/// Walks the log from its first leaf to its last.
pub(super) async fn check_sealed(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &mut Tally,
    sizes: &HashSet<u64>,
    progress: &mut impl FnMut(u64),
) -> Result<Edge, CheckError> {
    let mut edge = Edge {
        roots: BTreeMap::new(),
        last: RightEdge::empty(),
    };
    edge.root_if_sealed(sizes);
    let mut from = LeafIndex(0);
    loop {
        let batches = sealed_batches_from(conn, from, BATCHES).await?;
        let batches: Vec<_> = batches
            .into_iter()
            .filter(|b| b.first_index >= from)
            .collect();
        let Some(last) = batches.last() else {
            append_lost(conn, report, tally, &mut edge, sizes, None).await?;
            return Ok(edge);
        };
        from = LeafIndex(last.first_index.0 + 1);
        for sealed in &batches {
            let until = Some(sealed.first_index);
            append_lost(conn, report, tally, &mut edge, sizes, until).await?;
            let place = edge.last.size().0;
            if sealed.first_index.0 != place {
                report.add(format!(
                    "sealed_batch {}: first_index is {}, but {place} leaves come before it: a \
                     sealed_batch or lost_entry is missing, or one too many",
                    sealed.batch.id, sealed.first_index
                ));
            }
            let digests = check_batch(conn, report, tally, &sealed.batch, progress).await?;
            let recorded = timestamp(sealed.batch.recorded_at);
            let entries = digests.into_iter().map(|digest| Entry { recorded, digest });
            append(conn, report, &mut edge.last, entries).await?;
            edge.root_if_sealed(sizes);
        }
        if report.is_full() {
            return Ok(edge);
        }
    }
}

/// Checks some batches from the one that holds `from`; gives where the next begins, if there is one.
pub(super) async fn check_some(
    conn: &mut PgConnection,
    report: &mut Report,
    from: LeafIndex,
) -> Result<Option<LeafIndex>, CheckError> {
    let mut tally = Tally::default();
    let batches = sealed_batches_from(conn, from, SCRUBBED_BATCHES).await?;
    let is_last_page = (batches.len() as i64) < SCRUBBED_BATCHES;
    let mut next = None;
    for sealed in &batches {
        let end = sealed.first_index.0 + sealed.batch.statement_count.max(1) as u64;
        // The one that ends before is there to cover `from`, and does not: it was read already.
        if end <= from.0 {
            continue;
        }
        check_batch(conn, report, &mut tally, &sealed.batch, &mut |_| ()).await?;
        report.statements = tally.statements;
        next = Some(LeafIndex(end));
        if tally.statements >= SCRUBBED_STATEMENTS {
            return Ok(next);
        }
    }
    Ok(next.filter(|_| !is_last_page))
}

/// The same for what waits to be sealed.
pub(super) async fn check_pending(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &mut Tally,
    progress: &mut impl FnMut(u64),
) -> Result<(), CheckError> {
    let mut after = (Uuid::nil(), Uuid::nil());
    loop {
        let batches = pending_batches_after(conn, after, BATCHES).await?;
        let Some(last) = batches.last() else {
            return Ok(());
        };
        after = (last.merchant_id, last.id);
        for batch in &batches {
            check_batch(conn, report, tally, batch, progress).await?;
        }
    }
}

/// Appends entries whose statements are lost, as far as they go on from where the tree stands.
async fn append_lost(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &mut Tally,
    edge: &mut Edge,
    sizes: &HashSet<u64>,
    until: Option<LeafIndex>,
) -> Result<(), CheckError> {
    loop {
        let place = LeafIndex(edge.last.size().0);
        if until.is_some_and(|until| place >= until) {
            return Ok(());
        }
        let found = lost_entries_from(conn, place, STATEMENTS).await?;
        let mut added = 0;
        for lost in &found {
            let place = LeafIndex(edge.last.size().0);
            if lost.index != place || until.is_some_and(|until| place >= until) {
                break;
            }
            append(conn, report, &mut edge.last, [lost.entry]).await?;
            edge.root_if_sealed(sizes);
            added += 1;
        }
        compare_lost(conn, report, &found[..added]).await?;
        let added = added as u64;
        tally.lost += added;
        if added == 0 {
            return Ok(());
        }
    }
}

/// Entries without a statement have nothing to be compared with but the leaves that were sealed.
async fn compare_lost(
    conn: &mut PgConnection,
    report: &mut Report,
    lost: &[LostEntry],
) -> Result<(), CheckError> {
    let width = u64::from(TILE_WIDTH);
    for beside in lost.chunk_by(|a, b| a.index.0 / width == b.index.0 / width) {
        let (first, last) = (beside[0].index.0, beside[beside.len() - 1].index.0);
        let tile = Tile {
            level: 0,
            index: first / width,
            width: (last % width) as u16 + 1,
        };
        let leaves = tile_hashes(conn, tile).await?.unwrap_or_default();
        for one in beside {
            let leaf = leaves.get((one.index.0 % width) as usize);
            if leaf != Some(&one.entry.leaf_hash()) {
                let index = one.index;
                report.add(format!(
                    "lost_entry {index}: is not the entry that was sealed"
                ));
            }
        }
    }
    Ok(())
}

/// Appends leaves and compares every tile that becomes full with the stored one.
async fn append(
    conn: &mut PgConnection,
    report: &mut Report,
    edge: &mut RightEdge,
    entries: impl IntoIterator<Item = Entry>,
) -> Result<(), CheckError> {
    let mut full = Vec::new();
    for entry in entries {
        edge.append(entry.leaf_hash(), |tile| full.push(tile));
    }
    for content in full {
        if tile_hashes(conn, content.tile).await?.as_ref() != Some(&content.hashes) {
            let tile = content.tile;
            report.add(format!(
                "tile level {} index {}: its hashes are not those of the entries",
                tile.level, tile.index
            ));
        }
    }
    Ok(())
}

/// Checks the statements of a batch; gives the digests, recomputed from what is stored.
async fn check_batch(
    conn: &mut PgConnection,
    report: &mut Report,
    tally: &mut Tally,
    batch: &Batch,
    progress: &mut impl FnMut(u64),
) -> Result<Vec<Hash>, CheckError> {
    let mut digests = Vec::with_capacity(batch.statement_count.max(0) as usize);
    let mut index = Index::default();
    loop {
        let position = digests.len() as i32;
        let page = statements_of_batch(conn, batch, position, STATEMENTS).await?;
        if page.is_empty() {
            break;
        }
        let mut derived = Derived::default();
        for checked in &page {
            let expected = digests.len() as i32;
            if checked.statement.id.position != expected {
                let found = checked.statement.id.position;
                report.add(format!(
                    "statement {}/{found}: position {expected} is missing",
                    batch.id
                ));
            }
            let wanted = tally.index.is_some() && checked.statement.id.position == expected;
            let said = said(&checked.statement, wanted.then_some(&mut index));
            let said = (checked, said);
            digests.push(check_statement(report, tally, &mut derived, batch, said));
        }
        derived.compare(conn, report, batch).await?;
        progress(page.len() as u64);
        if page.len() < STATEMENTS as usize {
            break;
        }
    }
    if let Some(tally) = &mut tally.index {
        tally.compare(report, batch, &index.of_batch);
    }
    if digests.len() as i64 != i64::from(batch.statement_count) {
        report.add(format!(
            "batch {}: has {} statements, and says {}",
            batch.id,
            digests.len(),
            batch.statement_count
        ));
    }
    Ok(digests)
}

/// What queries must find the events of a batch by.
#[derive(Default)]
struct Index {
    indexer: Indexer,
    of_batch: BatchIndex,
}

/// What the derived tables must hold for a page of statements.
#[derive(Default)]
struct Derived {
    index_rows: Vec<IndexRow>,
    /// Look-ups, by what their contents say.
    scans: Vec<ScanRow>,
    /// Where each event stands, and what its content hashes to, unless fields of it were erased.
    event_keys: HashMap<EventKey, (StatementId, Option<[u8; 32]>)>,
}

impl Derived {
    async fn compare(
        &self,
        conn: &mut PgConnection,
        report: &mut Report,
        batch: &Batch,
    ) -> Result<(), CheckError> {
        for row in missing_index_rows(conn, batch, &self.index_rows, report.room()).await? {
            report.add(format!(
                "trace_index: the row of statement {}/{} with identity_key {} and role {} is missing",
                batch.id, row.id.position, row.identity_key, row.role
            ));
        }
        if !self.scans.is_empty() {
            let stored = scans_of_batch(conn, batch).await?;
            for row in self.scans.iter().filter(|row| !stored.contains(row)) {
                report.add(format!(
                    "scan: the row of statement {}/{} is missing or another",
                    batch.id, row.id.position
                ));
            }
        }
        let keys: Vec<EventKey> = self.event_keys.keys().copied().collect();
        let taken = taken_event_keys(conn, batch.merchant_id, &keys).await?;
        let taken: HashMap<EventKey, _> = taken
            .into_iter()
            .map(|taken| (taken.key, (taken.id, taken.content_sha256)))
            .collect();
        for (key, expected) in &self.event_keys {
            if taken.get(key) != Some(expected) {
                let StatementId { batch_id, position } = expected.0;
                report.add(format!(
                    "event_key: the row of statement {batch_id}/{position} is missing or another"
                ));
            }
        }
        Ok(())
    }
}

fn check_statement(
    report: &mut Report,
    tally: &mut Tally,
    derived: &mut Derived,
    batch: &Batch,
    (checked, said): (&CheckedStatement, Option<Said>),
) -> Hash {
    let stored = &checked.statement;
    let name = format!("statement {}/{}", batch.id, stored.id.position);
    tally.statements += 1;
    let digest = match Statement::read(&stored.parts()) {
        Ok(statement) => {
            if !signature_holds(stored, &statement) {
                report.add(format!(
                    "{name}: its party's signature is not over its content"
                ));
            }
            let kind = checked.kind.as_str();
            let erasures = &mut tally.erasures;
            erasures.add(batch.merchant_id, kind, stored, &statement);
            statement.digest()
        }
        Err(error) => {
            report.add(format!("{name}: {error}"));
            return stored.digest;
        }
    };
    if digest != stored.digest {
        report.add(format!("{name}: its digest is not that of what is stored"));
    }
    match facts(stored, said) {
        Some(facts) => facts.check(report, tally, derived, batch, checked, &name),
        None => report.add(format!(
            "{name}: its content or receipt is not a statement's"
        )),
    }
    digest
}

/// Whether the party's signature, where there is one, is over the content.
fn signature_holds(stored: &StoredStatement, statement: &Statement) -> bool {
    // Of nearly all there is none, and their receipts are read already.
    let mut fields = statement.receipt.iter();
    if !fields.any(|field| matches!(field.pointer, "/signature" | "/signer")) {
        return true;
    }
    let Ok(receipt) = json::parse(&stored.receipt) else {
        return true;
    };
    let text = |key: &str| receipt.get(key).and_then(Value::as_str);
    let (signature, signer) = match (text("signature"), text("signer")) {
        (Some(signature), Some(signer)) => (signature, signer),
        (None, None) => return true,
        _ => return false,
    };
    let root = statement.content.root(&statement.content_salts);
    is_signature(&root, signature, signer)
}

/// What a statement's content says.
struct Said {
    kind: Kind,
    /// What `about` must be, computed again.
    about: Option<Vec<About>>,
    /// What it was at earlier times, where that is another.
    abouts_of_old: Vec<Vec<About>>,
    /// For events: the eventID, whether it is an error declaration, and when it happened.
    event: Option<(String, bool, OffsetDateTime)>,
    /// For products: the GTIN, and the picture that is named.
    product: Option<(String, Option<Picture>)>,
    /// For look-ups: what is said of it.
    scan: Option<Scan>,
    /// What becomes of what it concerns.
    turns: Turns,
}

/// Reads a content, once, and adds what an event is found by to the index.
fn said(stored: &StoredStatement, index: Option<&mut Index>) -> Option<Said> {
    let content = json::parse(&stored.content).ok()?;
    let kind = Kind::parse(content.get("kind")?.as_str()?)?;
    let body = content.get("body")?;
    if kind != Kind::Event {
        let product = (kind == Kind::Product).then(|| master::read_product(body));
        let product = product.transpose().ok()?;
        let about = master::check(kind, body).ok();
        return Some(Said {
            kind,
            turns: Turns::of_kind(kind, about.as_deref().unwrap_or_default()),
            about,
            abouts_of_old: Vec::new(),
            event: None,
            scan: (kind == Kind::Scan).then(|| read_scan(body).ok()).flatten(),
            product: product.map(|product| {
                let gtin = product.gtin.as_str().to_owned();
                (gtin, product.picture)
            }),
        });
    }
    let event = epcis::read_event(body).ok()?;
    if let Some(Index { indexer, of_batch }) = index {
        indexer.add_stored(of_batch, stored.id.position, body, &event);
    }
    let is_error = event.is_error_declaration();
    Some(Said {
        kind,
        abouts_of_old: epcis::abouts_of_old(&event),
        turns: event.turns(),
        about: Some(epcis::about(&event)),
        event: Some((event.event_id?, is_error, event.event_time)),
        scan: None,
        product: None,
    })
}

/// What a statement's own texts say.
struct Facts {
    said: Said,
    about: Vec<About>,
    recorded: String,
}

fn facts(stored: &StoredStatement, said: Option<Said>) -> Option<Facts> {
    let mut said = said?;
    let receipt = json::parse(&stored.receipt).ok()?;
    let about = receipt.get("about")?.as_array()?;
    let about: Vec<About> = about
        .iter()
        .map(|text| About::parse(text.as_str()?))
        .collect::<Option<_>>()?;
    // Receipts named no capture before submitters could get one.
    let names_capture = about.iter().any(|about| about.role == Role::Capture);
    if names_capture && said.kind == Kind::Event {
        for expected in said.about.iter_mut().chain(&mut said.abouts_of_old) {
            expected.push(About::capture(stored.id.batch_id));
            About::sort(expected);
        }
    }
    Some(Facts {
        said,
        about,
        recorded: receipt.get("recorded").and_then(Value::as_str)?.to_owned(),
    })
}

impl Facts {
    fn check(
        self,
        report: &mut Report,
        tally: &mut Tally,
        derived: &mut Derived,
        batch: &Batch,
        checked: &CheckedStatement,
        name: &str,
    ) {
        let stored = &checked.statement;
        if checked.kind != self.said.kind.as_str() {
            report.add(format!(
                "{name}: its kind is {:?} and not its content's",
                checked.kind
            ));
        }
        if self.recorded != timestamp(batch.recorded_at).as_str() {
            report.add(format!(
                "{name}: its batch was recorded at another time than its receipt"
            ));
        }
        let said = &self.said;
        let mut expected = said.about.iter().chain(&said.abouts_of_old);
        if !expected.any(|about| *about == self.about) {
            report.add(format!(
                "{name}: its receipt is not about what its content names"
            ));
        }
        let event_time = self.said.event.as_ref().map(|event| event.2);
        let happened = event_time.unwrap_or(batch.recorded_at);
        let rows = index_rows(stored.id, happened, &self.about, said.turns);
        tally.index_rows += rows.len() as u64;
        derived.index_rows.extend(rows);
        if let Some((event_id, is_error, _)) = self.said.event {
            tally.events += 1;
            let is_whole = stored.content_salts.erased().next().is_none();
            let content = is_whole.then(|| Hash::of(&[stored.content.as_bytes()]).0);
            derived
                .event_keys
                .insert(event_key(&event_id, is_error), (stored.id, content));
        }
        if let Some((gtin, picture)) = self.said.product {
            let named = picture.map(|picture| {
                let name = (batch.merchant_id, gtin.clone(), picture.sha256);
                (name, picture)
            });
            tally.pictures.extend(named);
            tally.described.entry(gtin).or_insert(batch.merchant_id);
        }
        if let Some(scan) = self.said.scan {
            tally.scans += 1;
            derived.scans.push(ScanRow {
                code: scan.item.canonical(),
                number: scan.number.cast_signed(),
                first_at: scan.first_at,
                recorded_at: batch.recorded_at,
                place: scan.place.map(|place| place.as_str().to_owned()),
                id: stored.id,
            });
        }
        tally.issuances += u64::from(self.said.kind == Kind::Issuance);
        if self.said.kind == Kind::Party {
            let keys = self.about.iter().map(|about| identity_key(&about.identity));
            tally
                .parties
                .extend(keys.map(|key| (key, batch.merchant_id)));
        }
    }
}

/// The GTIN that an identity of the role `product` names.
pub(super) fn product_gtin(about: &[About]) -> Option<String> {
    let product = about.iter().find(|about| about.role == Role::Product)?;
    let gtin = Identity::parse(&product.identity).ok()?.gtin()?;
    Some(gtin.as_str().to_owned())
}
