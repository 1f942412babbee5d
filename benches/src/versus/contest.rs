//! What a row measures: several contenders, one input, the same loop around each of them.

use alloc::rc::Rc;
use core::fmt;
use core::hint::black_box;

/// On whose behalf a contender runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A purlin crate, with the defaults a user gets. A contest has exactly one.
    Ours,
    /// Another crate, in its cheapest configuration that does the same work.
    Rival,
    /// The least any implementation could do on this machine: nobody is expected to reach it. At
    /// most one a contest.
    Floor,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Rival => "rival",
            Self::Floor => "floor",
        })
    }
}

/// Runs `iterations` operations and returns a checksum of what they produced.
///
/// The loop is inside the closure, so that the dynamic call is paid once a batch and the operation
/// is inlined.
pub(crate) type Kernel = Box<dyn FnMut(u64) -> u64>;

/// One implementation that takes part in a [`Contest`].
pub struct Contender {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) kernel: Kernel,
}

impl Contender {
    /// The name shown in tables, the crate's own where there is one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// On whose behalf it runs.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Runs `iterations` operations. What Criterion calls; the [harness](super::harness) does the
    /// same.
    pub fn run(&mut self, iterations: u64) {
        black_box((self.kernel)(iterations));
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Contenders for the same work, ready to be timed.
///
/// [`Contest::over`] is the usual way: the contest owns the input, the loop and the [`black_box`]
/// around every result, and a contender is only the operation. Nobody can be given less to do by
/// accident.
///
/// # Examples
///
/// ```
/// use purlin_benches::versus::Contest;
///
/// let contest = Contest::over((0_u64..1024).collect())
///     .ours("shift", |x| x << 1)
///     .rival("multiply", |x| x.wrapping_mul(2))
///     .floor("copy", |x| *x)
///     .build();
/// assert_eq!(contest.contenders().len(), 3);
/// ```
#[derive(Debug)]
pub struct Contest {
    contenders: Vec<Contender>,
}

impl Contest {
    /// Starts a contest over `inputs`, which every contender gets in the same order, again and
    /// again.
    ///
    /// Take at least some hundreds of inputs, so that neither the optimiser nor the branch
    /// predictor learns them by heart; an operation that has no input (a generator, a clock) is
    /// entered over `vec![(); 1024]`.
    ///
    /// # Panics
    ///
    /// When `inputs` is empty.
    #[must_use]
    pub fn over<I: 'static>(inputs: Vec<I>) -> Over<I> {
        Self::over_shared(inputs.into())
    }

    /// The same over inputs that other contests have too: contenders of different contests that are
    /// [interleaved](super::harness::interleave) then do not push each other's inputs out of the
    /// caches.
    ///
    /// # Panics
    ///
    /// As [`Contest::over`].
    #[must_use]
    pub fn over_shared<I: 'static>(inputs: Rc<[I]>) -> Over<I> {
        assert!(!inputs.is_empty(), "a contest needs at least one input");
        Over {
            inputs,
            contenders: Vec::new(),
        }
    }

    /// All contenders, in the order they entered.
    #[must_use]
    pub fn contenders(&self) -> &[Contender] {
        &self.contenders
    }

    /// The same, to run them.
    pub fn contenders_mut(&mut self) -> &mut [Contender] {
        &mut self.contenders
    }

    /// Our contender alone: what a tour times.
    #[must_use]
    pub fn into_ours(self) -> Contender {
        let ours = self
            .contenders
            .into_iter()
            .find(|contender| contender.role == Role::Ours);
        ours.unwrap_or_else(|| unreachable!("checked by Over::build"))
    }
}

/// A [`Contest`] in the making.
pub struct Over<I> {
    inputs: Rc<[I]>,
    contenders: Vec<Contender>,
}

impl<I: 'static> Over<I> {
    /// Enters our implementation.
    #[must_use]
    pub fn ours<O: 'static>(self, name: &str, operation: impl FnMut(&I) -> O + 'static) -> Self {
        self.enter(Role::Ours, name, operation)
    }

    /// Enters another crate's.
    #[must_use]
    pub fn rival<O: 'static>(self, name: &str, operation: impl FnMut(&I) -> O + 'static) -> Self {
        self.enter(Role::Rival, name, operation)
    }

    /// Enters the physical floor.
    #[must_use]
    pub fn floor<O: 'static>(self, name: &str, operation: impl FnMut(&I) -> O + 'static) -> Self {
        self.enter(Role::Floor, name, operation)
    }

    /// Enters an implementation on whosever behalf.
    #[must_use]
    pub fn enter<O: 'static>(
        self,
        role: Role,
        name: &str,
        mut operation: impl FnMut(&I) -> O + 'static,
    ) -> Self {
        let inputs = Rc::clone(&self.inputs);
        let mut position = 0;
        self.enter_kernel(role, name, move |iterations| {
            position = over_inputs(&inputs, position, iterations, &mut operation);
            position as u64
        })
    }

    /// Enters a contender that brings its own loop, for work that is not one operation per input.
    /// The kernel runs the given number of iterations and returns a checksum; it must pass
    /// every result through [`black_box`], as the loop of this type does.
    #[must_use]
    pub fn enter_kernel(
        mut self,
        role: Role,
        name: &str,
        kernel: impl FnMut(u64) -> u64 + 'static,
    ) -> Self {
        self.contenders.push(Contender {
            name: name.to_owned(),
            role,
            kernel: Box::new(kernel),
        });
        self
    }

    /// The contest.
    ///
    /// # Panics
    ///
    /// When it has not exactly one contender of ours, or more than one floor: the ratios would have
    /// no meaning.
    #[must_use]
    pub fn build(self) -> Contest {
        let count = |role| {
            self.contenders
                .iter()
                .filter(|contender| contender.role == role)
                .count()
        };
        assert_eq!(
            count(Role::Ours),
            1,
            "a contest has exactly one contender of ours"
        );
        assert!(count(Role::Floor) <= 1, "a contest has at most one floor");
        Contest {
            contenders: self.contenders,
        }
    }
}

impl<I> fmt::Debug for Over<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Over")
            .field("inputs", &self.inputs.len())
            .field("contenders", &self.contenders)
            .finish()
    }
}

/// The timed loop, the same code for every contender: a slice iterator (no bounds check a step),
/// the operation inlined, its result forced into being. Returns where the next batch goes on.
#[inline]
pub(super) fn over_inputs<I, O>(
    inputs: &[I],
    start: usize,
    iterations: u64,
    operation: &mut impl FnMut(&I) -> O,
) -> usize {
    let mut position = start;
    let mut left = iterations;
    while left > 0 {
        let run = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(inputs.len() - position);
        for input in &inputs[position..position + run] {
            black_box(operation(input));
        }
        left -= run as u64;
        position = (position + run) % inputs.len();
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_goes_on_where_the_last_one_stopped() {
        let mut seen = Vec::new();
        let inputs = [10, 20, 30];
        let mut position = 0;
        for iterations in [2, 0, 5] {
            position = over_inputs(&inputs, position, iterations, &mut |input| {
                seen.push(*input);
            });
        }
        assert_eq!(seen, [10, 20, 30, 10, 20, 30, 10]);
        assert_eq!(position, 1);
    }

    #[test]
    #[should_panic(expected = "exactly one contender of ours")]
    fn a_contest_without_ours_is_refused() {
        let _contest = Contest::over(vec![1])
            .rival("somebody", |x: &i32| *x)
            .build();
    }

    #[test]
    fn the_tour_times_ours_alone() {
        let contest = Contest::over(vec![1])
            .rival("r", |x: &i32| *x)
            .ours("o", |x| *x)
            .floor("f", |x| *x)
            .build();
        assert_eq!(contest.into_ours().name(), "o");
    }
}
