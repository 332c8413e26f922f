//! Files and hot rows as one relation.
//!
//! A relation is made for one statement from one [`View`], so all its scans, of a self-join too, see the same moment. Predicates, projections
//! and limits go into both halves; predicates are checked again above.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, ident, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use crate::cold::DataFile;
use crate::encode::{FindingRow, HistoryRow, LetterRow, ReadingRow, Rows};
use crate::error::LakeError;
use crate::eyes::{Eyes, Seen, Study};
use crate::fit::Nulls;
use crate::hot::LaneView;
use crate::io::flush::masked_history;
use crate::io::footers;
use crate::io::only_kept::OnlyKept;
use crate::io::only_seen::OnlySeen;
use crate::io::pseudonymised::Pseudonymised;
use crate::io::retain::kept_of;
use crate::io::scan::{HiddenRows, but_for_hidden, hidden_rows, scan_files};
use crate::io::scan_end::ScanEnd;
use crate::layout::Layout;
use crate::masks::{Mask, mask};
use crate::prune::prune;
use crate::retention::{Cuts, Fate};
use crate::shared::{Found, View};
use crate::table::Table;

/// One table at one moment.
#[derive(Debug)]
pub struct Relation {
    table: Table,
    layout: Arc<Layout>,
    files: Vec<Arc<DataFile>>,
    hidden: HiddenRows,
    hot: HotRows,
    eyes: Eyes,
    /// From when on rows are answered.
    cuts: Arc<Cuts>,
    /// No file has others.
    is_clean: bool,
}

#[derive(Debug)]
enum HotRows {
    Readings(Vec<LaneView<ReadingRow>>),
    /// And the rows of superseded readings that are still in the files of the current ones.
    History(Vec<LaneView<HistoryRow>>, Vec<RecordBatch>),
    Findings(Vec<LaneView<FindingRow>>),
    Letters(Vec<LaneView<LetterRow>>),
}

impl Relation {
    /// A table of a view whose masks are all found.
    ///
    /// # Errors
    /// Where rows can't become columns.
    pub fn new(table: Table, view: &View, eyes: Eyes) -> Result<Relation, LakeError> {
        let layout = view.layout.clone();
        let found = || view.masks.iter().filter_map(|m| Some((m.serial, m.found.clone()?)));
        let each = || view.generations.iter();
        let (hot, hidden) = match table {
            Table::Readings => {
                let hidden: Vec<Found> = found().map(|(_, f)| f).collect();
                (HotRows::Readings(each().flat_map(|g| g.readings.iter().cloned()).collect()), hidden_rows(&hidden))
            }
            Table::History => {
                let masked = masked_history(&view.masks, &found().collect(), &layout)?;
                (HotRows::History(each().flat_map(|g| g.history.iter().cloned()).collect(), masked), HiddenRows::new())
            }
            Table::Matches => (HotRows::Findings(each().map(|g| g.matches.clone()).collect()), HiddenRows::new()),
            Table::Recommendations => (HotRows::Findings(each().map(|g| g.recommendations.clone()).collect()), HiddenRows::new()),
            Table::DeadLetters => (HotRows::Letters(each().map(|g| g.letters.clone()).collect()), HiddenRows::new()),
        };
        let files = view.cold[table.place()].files.clone();
        let is_clean = view.clean.as_ref() == Some(&view.cuts);
        Ok(Relation { is_clean, table, layout, files, hidden, hot, eyes, cuts: view.cuts.clone() })
    }

    /// The hot rows that stay, but for those of other streams than the one asked for.
    fn hot_batches(&self, stream: Option<&str>) -> Result<Vec<RecordBatch>, LakeError> {
        let all = match &self.hot {
            HotRows::Readings(lanes) => self.of_stream(lanes, stream)?,
            HotRows::History(lanes, masked) => {
                let mut out = self.of_stream(lanes, stream)?;
                out.extend(masked.iter().cloned());
                out
            }
            HotRows::Findings(lanes) => self.of_stream(lanes, None)?,
            HotRows::Letters(lanes) => self.of_stream(lanes, None)?,
        };
        kept_of(all, self.table, &self.cuts)
    }

    fn of_stream<R: Rows>(&self, lanes: &[LaneView<R>], wanted: Option<&str>) -> Result<Vec<RecordBatch>, LakeError> {
        let mut out = Vec::new();
        for lane in lanes {
            let name = lane.stream.map(|ix| &*self.layout.streams.get(ix).name);
            if wanted.is_none() || wanted == name {
                out.extend(lane.batches(&self.layout)?);
            }
        }
        Ok(out)
    }

    fn hot_plan(&self, projected: &SchemaRef, stream: Option<&str>, parts: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let batches = self.hot_batches(stream).map_err(|e| DataFusionError::External(e.into()))?;
        if batches.is_empty() {
            return Ok(None);
        }
        let mut nulls = Nulls::default();
        let mut partitions = vec![Vec::new(); parts.min(batches.len())];
        for (i, batch) in batches.iter().enumerate() {
            let batch = if projected.fields().is_empty() {
                let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                RecordBatch::try_new_with_options(projected.clone(), Vec::new(), &rows)?
            } else {
                nulls.fit(batch, projected)?
            };
            let part = i % partitions.len();
            partitions[part].push(batch);
        }
        Ok(Some(MemorySourceConfig::try_new_exec(&partitions, projected.clone(), None)?))
    }
}

#[async_trait::async_trait]
impl TableProvider for Relation {
    fn schema(&self) -> SchemaRef {
        self.layout.schema(self.table).clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_logical_plan(&'_ self) -> Option<Cow<'_, datafusion::logical_expr::LogicalPlan>> {
        None
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match has_subquery(filter) {
                true => TableProviderFilterPushDown::Unsupported,
                false => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match &self.eyes {
            Eyes::All => self.scan_all(state, projection, (filters, Asks::Later), limit),
            Eyes::Only(seen) => self.scan_seen(state, projection, filters, seen),
            Eyes::Study(study) => self.scan_study(state, projection, filters, limit, study),
        }
    }
}

impl Relation {
    fn scan_seen(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        seen: &Arc<Seen>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (places, subject, kept) = self.with_subject(projection)?;
        let keep = (0..kept).collect();
        // As many rows as are wanted may lie behind many that are not seen, so there is no limit below.
        let mut below: Vec<Expr> = filters.iter().filter(|f| cannot_fail(f)).cloned().collect();
        below.extend(looks_for(seen));
        let all = self.scan_all(state, Some(&places), (&below, Asks::Now), None)?;
        ScanEnd::plan(all, Arc::new(OnlySeen { subject, keep, seen: seen.clone() }))
    }

    fn scan_study(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
        study: &Study,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let (places, subject, kept) = self.with_subject(projection)?;
        let of = |name: &str| mask(self.table, &self.layout, name);
        let masks: Vec<Mask> = places[..kept].iter().map(|place| of(schema.field(*place).name())).collect();
        // A condition on what is masked is about what stands in its place, and is asked above.
        let is_open = |f: &&Expr| f.column_refs().iter().all(|column| of(column.name()) == Mask::Open);
        let below: Vec<Expr> = filters.iter().filter(|f| cannot_fail(f)).filter(is_open).cloned().collect();
        let limit = limit.filter(|_| filters.is_empty() && study.among.is_none());
        let all = match &study.among {
            None => self.scan_all(state, Some(&places), (&below, Asks::Now), limit)?,
            Some(among) => {
                let below: Vec<Expr> = below.into_iter().chain(looks_for(among)).collect();
                let all = self.scan_all(state, Some(&places), (&below, Asks::Now), None)?;
                ScanEnd::plan(all, Arc::new(OnlySeen { subject, keep: (0..places.len()).collect(), seen: among.clone() }))?
            }
        };
        ScanEnd::plan(all, Arc::new(Pseudonymised::new(subject, masks, study.pseudonyms.clone())))
    }

    /// The columns to read with the subject among them, where that is, and how many of them, from the first on, were asked for.
    fn with_subject(&self, projection: Option<&Vec<usize>>) -> Result<(Vec<usize>, usize, usize)> {
        let schema = self.schema();
        let subject = schema.index_of("subject")?;
        let mut places = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let kept = places.len();
        let subject = places.iter().position(|place| *place == subject).unwrap_or_else(|| {
            places.push(subject);
            places.len() - 1
        });
        Ok((places, subject, kept))
    }
}

/// A condition by which files and hot rows are passed over that have nothing of whom is seen.
fn looks_for(seen: &Seen) -> Option<Expr> {
    let few = seen.names().len() <= MOST_PUSHED;
    few.then(|| ident("subject").in_list(seen.names().map(lit).collect(), false))
}

/// Whether it waits for what a subquery says. Such a filter stays above, where the planner makes a join of it; a copy of it down here has no plan.
fn has_subquery(filter: &Expr) -> bool {
    let is = |e: &Expr| matches!(e, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_) | Expr::SetComparison(_));
    filter.exists(|e| Ok(is(e))).unwrap_or(true)
}

/// Names of subjects that are looked for in files; where more are seen, each row is looked at.
const MOST_PUSHED: usize = 1_000;

/// Whether it can be evaluated on a row that is not seen without telling anything of it: columns compared with constants fail on none.
fn cannot_fail(filter: &Expr) -> bool {
    let is_plain = |e: &Expr| matches!(e, Expr::Column(_) | Expr::Literal(..));
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => cannot_fail(left) && cannot_fail(right),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let compares =
                matches!(op, Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
            compares && is_plain(left) && is_plain(right)
        }
        Expr::Not(inner) => cannot_fail(inner),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => is_plain(inner),
        Expr::Between(between) => is_plain(&between.expr) && is_plain(&between.low) && is_plain(&between.high),
        Expr::InList(list) => is_plain(&list.expr) && list.list.iter().all(is_plain),
        _ => false,
    }
}

/// Who puts the conditions to the rows of files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// The scan itself: nothing comes through what is above it.
    Now,
    /// The planner, which moves the filter that is right above into the scan. If the scan had it before, each row would be asked everything twice.
    Later,
}

impl Relation {
    fn scan_all(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        (filters, asks): (&[Expr], Asks),
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let predicate = match conjunction(filters.to_vec()) {
            Some(filter) => Some(state.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)?),
            None => None,
        };
        let parts = state.config().target_partitions().max(1);
        let projected = match projection {
            Some(places) => Arc::new(schema.project(places)?),
            None => schema.clone(),
        };
        let mut plans = Vec::new();
        let fate_of = |file: &DataFile| if self.is_clean { Fate::Stays } else { self.cuts.of_file(self.table, file) };
        let of = |fate| self.files.iter().filter(|file| fate_of(file) == fate).cloned().collect::<Vec<_>>();
        let files = prune(&of(Fate::Stays), predicate.as_ref(), &schema);
        if !files.is_empty() {
            // A predicate may drop rows, so only without one are as many rows enough as are asked for.
            let limit = limit.filter(|_| predicate.is_none());
            let predicate = predicate.filter(|_| asks == Asks::Now);
            let groups = but_for_hidden(self.table, &groups(files, parts), &self.hidden);
            plans.push(scan_files(&schema, groups, projection, predicate, limit, Some(footers::kept(state)?))?);
        }
        plans.extend(self.mixed_plan(state, projection, filters, &of(Fate::Mixed), parts)?);
        plans.extend(self.hot_plan(&projected, filters.iter().find_map(wanted_stream), parts)?);
        match plans.len() {
            0 => Ok(Arc::new(EmptyExec::new(projected))),
            1 => Ok(plans.remove(0)),
            _ => UnionExec::try_new(plans),
        }
    }
}

impl Relation {
    /// Of files in which some rows are past, those that stay. There is no limit below, for as many rows as are wanted may lie behind many that are past.
    fn mixed_plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        files: &[Arc<DataFile>],
        parts: usize,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let schema = self.schema();
        let below = conjunction(filters.iter().filter(|f| cannot_fail(f)).cloned());
        let predicate = match below {
            Some(filter) => Some(state.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)?),
            None => None,
        };
        let files = prune(files, predicate.as_ref(), &schema);
        if files.is_empty() {
            return Ok(None);
        }
        let mut places = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let keep = (0..places.len()).collect();
        for name in Cuts::columns(self.table) {
            let place = schema.index_of(name)?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let groups = but_for_hidden(self.table, &groups(files, parts), &self.hidden);
        let all = scan_files(&schema, groups, Some(&places), predicate, None, Some(footers::kept(state)?))?;
        ScanEnd::plan(all, Arc::new(OnlyKept { table: self.table, cuts: self.cuts.clone(), keep })).map(Some)
    }
}

/// Files in as many groups as are read side by side.
fn groups(files: Vec<Arc<DataFile>>, parts: usize) -> Vec<Vec<Arc<DataFile>>> {
    let mut groups = vec![Vec::new(); parts.min(files.len())];
    let count = groups.len();
    for (i, file) in files.into_iter().enumerate() {
        groups[i % count].push(file);
    }
    groups
}

/// The one stream that a filter asks for, where it says so plainly.
fn wanted_stream(filter: &Expr) -> Option<&str> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    match (&**left, &**right) {
        (Expr::Column(column), Expr::Literal(value, _)) | (Expr::Literal(value, _), Expr::Column(column))
            if column.name() == "stream" =>
        {
            match value {
                ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
                    Some(text.as_str())
                }
                _ => None,
            }
        }
        _ => None,
    }
}
