//! The sums of [`super::sums`] for many groups at once: a vector of tallies, so that a group costs no allocation of its own.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::sums::{MOST, Measure, Rows, STATE, States, Tally, passes};

/// A tally for each group.
#[derive(Debug)]
pub struct SumsByGroup<M: Measure> {
    setting: M::Setting,
    numbers: usize,
    tallies: Vec<Tally>,
}

impl<M: Measure> SumsByGroup<M> {
    pub fn new(setting: M::Setting, numbers: usize) -> SumsByGroup<M> {
        SumsByGroup { setting, numbers, tallies: Vec::new() }
    }
}

fn columns(tallies: &[Tally]) -> Result<Vec<ArrayRef>> {
    let int = |of: fn(&Tally) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(tallies.iter().map(of))) };
    let mut columns = Vec::with_capacity(STATE);
    columns.extend([int(|t| t.count), int(|t| t.odd)]);
    for i in 0..MOST {
        let sums = Decimal128Array::from_iter_values(tallies.iter().map(|t| t.sums[i]));
        columns.push(Arc::new(sums.with_precision_and_scale(38, 0)?));
    }
    Ok(columns)
}

impl<M: Measure> GroupsAccumulator for SumsByGroup<M> {
    fn update_batch(&mut self, values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> Result<()> {
        self.tallies.resize(total, Tally::default());
        let rows = Rows::new(&values[..self.numbers]);
        let mut row = [0.0; 3];
        for (i, group) in groups.iter().enumerate() {
            if passes(filter, i)
                && let Some(row) = rows.get(i, &mut row)
            {
                self.tallies[*group].add::<M>(&self.setting, row, 1);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.tallies.resize(total, Tally::default());
        let states = States::new(states);
        for (i, group) in groups.iter().enumerate() {
            self.tallies[*group].merge(&states.get(i));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let tallies = emit.take_needed(&mut self.tallies);
        Ok(Arc::new(Float64Array::from_iter(tallies.iter().map(Tally::result::<M>))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        columns(&emit.take_needed(&mut self.tallies))
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = Rows::new(&values[..self.numbers]);
        let mut tallies = vec![Tally::default(); rows.len()];
        let mut row = [0.0; 3];
        for (i, tally) in tallies.iter_mut().enumerate() {
            if passes(filter, i)
                && let Some(row) = rows.get(i, &mut row)
            {
                tally.add::<M>(&self.setting, row, 1);
            }
        }
        columns(&tallies)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.tallies.capacity() * size_of::<Tally>()
    }
}
