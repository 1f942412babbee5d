/// What an answer means for the endpoint that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It did its work; how long that took is a sample of its latency.
    Success,
    /// It failed the request.
    Failure,
    /// It says nothing of the endpoint: the client's own mistake, a refusal by a guard.
    Ignored,
}

/// Says what an answer means for the endpoint that gave it: every `Fn(&Result<T, E>) -> Verdict`
/// does.
pub trait Judge<T, E> {
    /// What it means.
    fn judge(&self, answer: &Result<T, E>) -> Verdict;
}

impl<T, E, F> Judge<T, E> for F
where
    F: Fn(&Result<T, E>) -> Verdict,
{
    fn judge(&self, answer: &Result<T, E>) -> Verdict {
        self(answer)
    }
}

/// The judge unless you bring one: an answer is a success, an error a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorsFail;

impl<T, E> Judge<T, E> for ErrorsFail {
    fn judge(&self, answer: &Result<T, E>) -> Verdict {
        match answer {
            Ok(_) => Verdict::Success,
            Err(_) => Verdict::Failure,
        }
    }
}
