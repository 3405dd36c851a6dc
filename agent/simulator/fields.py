"""The fields of a client's message, each read by itself: a bad one does not lose the others."""

from __future__ import annotations

import math

from agent.simulator.protocol import BadField, BadMessage, Message, integer, number, text


class Fields:
    """Reads a message's fields, and remembers the first that is bad.

    :param message: the client's
    :param names: of the fields that it must have
    :raises BadMessage: one of them is missing or no string; Unity ignores such a message, too
    """

    def __init__(self, message: Message, names: tuple[str, ...]) -> None:
        for name in names:
            text(message, name)
        self.message = message
        self._bad: BadMessage | None = None

    def number(
        self, name: str, otherwise: float, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """The number.

        :param name: of the field
        :param otherwise: in the place of a bad one
        :param low: least allowed, ``high`` the most
        """
        try:
            return number(self.message, name, low, high)
        except BadMessage as error:
            self.refuse(error)
            return otherwise

    def integer(self, name: str, otherwise: int, low: float, high: float) -> int:
        """The whole number.

        :param name: of the field
        :param otherwise: in the place of a bad one
        :param low: least allowed, ``high`` the most
        """
        try:
            return integer(self.message, name, low, high)
        except BadMessage as error:
            self.refuse(error)
            return otherwise

    def __contains__(self, name: str) -> bool:
        """True where the message has the field."""
        return name in self.message

    def refuse(self, error: BadMessage) -> None:
        """Remember what was wrong, the first time."""
        self._bad = self._bad or error

    def check(self) -> None:
        """Say what was wrong, once all that is well has been followed.

        :raises BadField: something was
        """
        if self._bad is not None:
            raise BadField(self._bad.kind, self._bad.value)
