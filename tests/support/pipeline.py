"""Many requests over one connection, a few ahead of their answers."""
from support.client import Connection, Disconnected


def exchange(address, requests, ahead=24):
    """An answer for each request (bytes), in order; None where the connection ended without one.
    A connection that the server closes behind an answer is opened again."""
    answers, connection = [], Connection(address)
    try:
        while len(answers) < len(requests):
            batch = requests[len(answers):len(answers) + ahead]
            connection.send(b"".join(batch))
            for one in batch:
                answer = _receive(connection, one)
                answers.append(answer)
                if answer is None or answer.closes:
                    connection.close()
                    connection = Connection(address)
                    break
    finally:
        connection.close()
    return answers


def _receive(connection, request):
    try:
        return connection.receive(request.partition(b" ")[0].decode("latin-1"))
    except Disconnected:
        return None
