"""The commands, one file each, and what they share.

A command is a module with two functions: `make_parser` declares its arguments, and `main` does its work. To add one,
write the module and add its line to `COMMANDS`.
"""

#: What each command does, by the name of its module.
COMMANDS = {
    "audit": "find duplicates, doubtful labels and unusable images",
    "cv": "compare methods by cross-validation",
    "datasets": "compare methods over several data sets, from their reports",
    "train": "fit a model on your images, and write it to a file",
    "predict": "predict the classes of images with a model file",
    "search": "find the images that are most similar to others, by a model file",
    "serve": "answer for photos over HTTP, with a page",
    "export": "write a model file as one ONNX graph",
    "networks": "list the pretrained networks, or the layers of one",
    "store": "show or prune the features kept on disk",
}
