"""``fastauth completion``: what teaches a shell to complete our commands."""

import click
from click.shell_completion import get_completion_class

from fastauth.cli.root import Command

# A ~/.zshrc that has not set up completion would end in "command not found: compdef" at every start of the shell.
_ZSH_READY = "(( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit }"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    r"""Print the completion script for a shell.

    \b
    bash   eval "$(fastauth completion bash)"    in ~/.bashrc
    zsh    eval "$(fastauth completion zsh)"     in ~/.zshrc
    fish   fastauth completion fish > ~/.config/fish/completions/fastauth.fish
    """
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover  # the choice above names only shells that Click knows
        raise click.UsageError(f"There is no completion for {shell}.")
    script = kind(ctx.find_root().command, {}, "fastauth", "_FASTAUTH_COMPLETE").source()
    if shell == "zsh":
        first, rest = script.split("\n", 1)  # the first line is read by zsh, where the script is a file in its path
        script = f"{first}\n\n{_ZSH_READY}\n{rest}"
    click.echo(script)
