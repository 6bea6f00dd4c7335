"""Configuration files of other programs: Darknet, Caffe, Keras and Ultralytics. Nothing here imports torch."""
