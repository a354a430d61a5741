"""Members of an ensemble: trained one after the other, and none that was trained is lost."""

STOPS = (Exception, KeyboardInterrupt)  # what ends a training, but does not take what was learnt before


def train_members(train_one, plans):
    """Train a member by each plan, until an error stops one.

    ``train_one(*plan)`` returns a member, and None or the error that stopped its training early. Returns the
    list of members, and None or the error; an error that leaves no member is raised.
    """
    members = []
    for plan in plans:
        try:
            member, error = train_one(*plan)
        except STOPS as stop:
            if not members:
                raise
            return members, stop
        members.append(member)
        if error is not None:
            return members, error
    return members, None
