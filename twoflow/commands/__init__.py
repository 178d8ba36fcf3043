"""The commands, one file each: `make_parser` has the arguments, `main` does the work; and what they share."""

#: Each command, which is the module of that name, and what it does.
COMMANDS = {
    "cv": "compare methods by cross-validation",
    "audit": "look for duplicates, doubtful labels and images of no use",
    "networks": "list the pretrained networks, or the layers of one",
    "store": "show or prune the features kept on disk",
}
