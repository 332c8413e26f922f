//! What accounts and receipts look like, for OpenAPI. `accounting/report.rs` and `accounting/receipt.rs` write them.

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// So many revisions, and the sum of their weights: 32 hexadecimal digits.
#[derive(ToSchema)]
#[schema(as = AccountTally)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct Tally {
    count: u64,
    #[schema(pattern = "^[0-9a-f]{32}$")]
    sum: String,
}

/// Revisions that hold, and those that were superseded or taken back.
#[derive(ToSchema)]
#[schema(as = AccountTallies)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct Tallies {
    current: Tally,
    former: Tally,
}

/// One stream and source on one day (UTC).
#[derive(ToSchema)]
#[schema(as = AccountWindow)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct WindowSaid {
    /// `null`: it took a reading back, and is of no stream.
    stream: Option<String>,
    source: Option<String>,
    /// `null`: it took a reading back, and is of no instant.
    #[schema(format = Date)]
    day: Option<String>,
    current: Tally,
    former: Tally,
}

/// One stage, beside the journal as it was at the stage's position.
#[derive(ToSchema)]
#[schema(as = AccountStage)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct Stage {
    stage: String,
    /// Left off for the journal, which is what the others are held against.
    equal: Option<bool>,
    /// Why it could not be read.
    unreadable: Option<String>,
    position: Option<u64>,
    /// Of the journal alone: the offset of the first input that it has. Of what came before, the views are the witness.
    begins: Option<u64>,
    /// Where former revisions land later than current ones.
    former_position: Option<u64>,
    took_s: Option<f64>,
    current: Option<Tally>,
    former: Option<Tally>,
    windows: Option<Vec<DifferingWindow>>,
    /// Whether there are more differences than are named.
    differences_left_out: Option<bool>,
    /// Revisions of the journal that the lake lets go.
    past_retention: Option<u64>,
}

/// A window in which a stage has something else than the journal.
#[derive(ToSchema)]
#[schema(as = AccountDifferingWindow)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct DifferingWindow {
    /// `null`: it took a reading back, and is of no stream.
    stream: Option<String>,
    source: Option<String>,
    /// `null`: it took a reading back, and is of no instant.
    #[schema(format = Date)]
    day: Option<String>,
    journal: Tallies,
    stage: Tallies,
}

/// A revision that a stage lacks, has twice, or has otherwise.
#[derive(ToSchema)]
#[schema(as = AccountDifference)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct DifferenceSaid {
    stage: String,
    kind: String,
    subject: String,
    id: String,
    rev: u32,
    /// `null`: it took a reading back, and is of no stream.
    stream: Option<String>,
    source: Option<String>,
    /// `null`: it took a reading back, and is of no instant.
    #[schema(format = Date)]
    day: Option<String>,
    standing: String,
}

/// Journal and stages beside one another.
#[derive(ToSchema)]
#[schema(as = Account)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct AccountSaid {
    /// Whether every stage has what the journal has.
    equal: bool,
    /// The journal's end.
    position: u64,
    stages: Vec<Stage>,
    differences: Vec<DifferenceSaid>,
    windows: Vec<WindowSaid>,
    windows_left_out: u64,
}

/// A part of the journal, by the first digits of its revisions' weights.
#[derive(ToSchema)]
#[schema(as = AccountPart)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct Part {
    #[schema(pattern = "^[0-9a-f]{1,32}$")]
    prefix: String,
    current: Tally,
    former: Tally,
}

/// What of the journal weighs so, by the next digit.
#[derive(ToSchema)]
#[schema(as = AccountSplit)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct SplitSaid {
    prefix: String,
    parts: Vec<Part>,
    /// Where they are few and one subject is asked for.
    revisions: Option<Vec<BTreeMap<String, serde_json::Value>>>,
}

#[derive(ToSchema)]
#[schema(as = AccountOrSplit)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is described, not made")]
pub enum AccountOrSplit {
    Account(AccountSaid),
    Split(SplitSaid),
}

/// A revision in the journal.
#[derive(ToSchema)]
#[schema(as = PlaceInJournal)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct InJournal {
    offset: u64,
    /// The first offset of its group.
    group: u64,
    #[schema(format = DateTime)]
    accepted: Option<String>,
    weight: String,
}

/// A revision in the views.
#[derive(ToSchema)]
#[schema(as = PlaceInViews)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct InViews {
    table: String,
    weight: String,
}

/// A revision in the lake: not yet landed (`hot`), or in a row of a file.
#[derive(ToSchema)]
#[schema(as = PlaceInLake)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct InLake {
    hot: bool,
    table: String,
    weight: String,
    file: Option<String>,
    row_group: Option<u64>,
    row: Option<u64>,
    row_groups_read: Option<u64>,
    row_groups: Option<u64>,
}

/// One revision, at every stage.
#[derive(ToSchema)]
#[schema(as = PlacesOfRevision)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct Places {
    rev: u32,
    standing: String,
    removed: bool,
    /// `null`: the journal has it no more.
    journal: Option<InJournal>,
    /// Whether that is because the journal begins later: it is past its retention there.
    trimmed: bool,
    views: InViews,
    lake: Vec<InLake>,
    /// Whether the lake lets it go: it is not answered any more, and is to go from the files.
    past_retention: bool,
}

/// Where a reading is.
#[derive(ToSchema)]
#[schema(as = WhereItIs)]
#[expect(dead_code, reason = "it is described, not made")]
pub struct WhereItIs {
    subject: String,
    id: String,
    revisions: Vec<Places>,
}
